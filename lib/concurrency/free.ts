/**
 * Gives memory back at once that would wait for a full garbage collection: many large buffers that
 * outlive a few collections of the young generation cause one every half second, whatever the heap
 * holds. Nothing may use the bytes any more; they are empty afterwards. A view of a part of a
 * buffer, which others may share, is left alone.
 */
export function free({ buffer, byteLength }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0);
}
