const ofBrokers = new WeakMap<object, CollectingRequests>();

/**
 * How many requests to collect wait, in this process, for their events to be durable. Requests that
 * wait until their events are stored are not among them.
 */
export class CollectingRequests {
  #waiting = 0;

  /** Returns what the services of a broker share: the one that collects and the one that gives way. */
  static of(broker: object): CollectingRequests {
    const known = ofBrokers.get(broker) ?? new CollectingRequests();
    ofBrokers.set(broker, known);
    return known;
  }

  get waiting(): number {
    return this.#waiting;
  }

  /** Counts a request until its work has ended, however. */
  during<T>(work: Promise<T>): Promise<T> {
    this.#waiting += 1;
    const end = () => void (this.#waiting -= 1);
    work.then(end, end);
    return work;
  }
}
