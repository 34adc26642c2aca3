import { BrokerError, brokerError, redacted } from "../../../lib/cluster/rabbitmq-error.ts";

const url = "amqp://user:s3cret@broker.example:5673/shop?heartbeat=10";

const failure = (message: string, code?: string) => Object.assign(new Error(message), { code });

test("a URL is shown without password and parameters", () => {
  expect(redacted(url)).toBe("amqp://user@broker.example:5673/shop");
  expect(redacted("amqp://broker")).toBe("amqp://broker");
  expect(redacted("amqp://user:s3@cret@broker")).toBe("amqp://user@broker");
  expect(redacted("mongodb://user:s3cret@a:27017,b:27017/shop?replicaSet=rs0")).toBe(
    "mongodb://user@a:27017,b:27017/shop",
  );
  expect(redacted("mongodb://:s3cret@[::1],b")).toBe("mongodb://[::1],b");
  expect(redacted("nonsense s3cret")).toBe("not a URL");
});

test.each([
  [
    failure(
      'Handshake terminated by server: 403 (ACCESS-REFUSED) with message "ACCESS_REFUSED - Login was refused using authentication mechanism PLAIN. For details see the broker logfile."',
    ),
    "the broker refuses this user name and password",
    true,
  ],
  [
    failure(
      "Operation failed: QueueDeclare; 403 (ACCESS-REFUSED) with message \"ACCESS_REFUSED - access to queue 'a.raw' in vhost '/' refused for user 'user'\"",
    ),
    "the broker denies the user a right it needs: ACCESS_REFUSED - access to queue 'a.raw'",
    true,
  ],
  [
    failure("Expected ConnectionOpenOk; got <ConnectionClose channel:0>"),
    "refuses the virtual host",
    true,
  ],
  [
    failure("getaddrinfo ENOTFOUND broker.example", "ENOTFOUND"),
    "the host name is not known",
    false,
  ],
  [failure("connect ECONNREFUSED 1.2.3.4:5673", "ECONNREFUSED"), "cannot be reached", false],
  [failure("connect ETIMEDOUT"), "does not answer in time", false],
  [failure("Socket closed abruptly during opening handshake"), "something else than", false],
  [failure("wrong version number", "ERR_SSL_WRONG_VERSION_NUMBER"), "something else than", false],
  [failure("odd"), "odd", false],
  [undefined, "failed without a reason", false],
  [failure(""), "failed without a reason", false],
])("%s is explained", (cause, reason, lasting) => {
  const error = brokerError(url, cause);
  expect(error.message).toMatch(/^RABBITMQ_URL \(amqp:\/\/user@broker\.example:5673\/shop\): /);
  expect(error.message).toContain(reason);
  expect(error.message).not.toContain("s3cret");
  expect(error.lasting).toBe(lasting);
});

test("several addresses that all fail are explained by the first", () => {
  const refused = failure("connect ECONNREFUSED ::1:5672", "ECONNREFUSED");
  const error = brokerError(url, new AggregateError([refused], ""));
  expect(error.message).toContain("cannot be reached (ECONNREFUSED)");
});

test("an explanation is not explained again", () => {
  const error = new BrokerError("RABBITMQ_URL: known", true);
  expect(brokerError(url, error)).toBe(error);
});

test.each([
  [
    "inequivalent arg 'x-max-length-bytes' for queue 'a.raw' in vhost '/': received '5' but current is '10000'",
    "the queue a.raw exists with another x-max-length-bytes: it has '10000', this service needs '5'. Set QUEUE_MAX_BYTES",
  ],
  [
    "inequivalent arg 'x-queue-type' for queue 'a.raw' in vhost '/': received none but current is the value 'quorum' of type 'longstr'",
    "the queue a.raw exists with another x-queue-type: it has the value 'quorum' of type 'longstr', this service needs none. Let the queue run empty and delete it, or set another CLUSTER_NAME",
  ],
])("what differs in a queue is named: %s", (words, reason) => {
  const error = brokerError(
    url,
    failure(
      `Operation failed: QueueDeclare; 406 (PRECONDITION-FAILED) with message "PRECONDITION_FAILED - ${words}"`,
    ),
  );
  expect(error.message).toContain(reason);
  expect(error.lasting).toBe(true);
});
