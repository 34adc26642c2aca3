import { promisify } from "node:util";
import { constants, zstdCompress, zstdDecompress } from "node:zlib";
import { ServiceError } from "../../lib/errors.ts";

/** A message of RabbitMQ has at most 16 MiB (4.0 and later), and more would hold up both nodes. */
const maxPackedLength = 8_388_608;
const maxUnpackedBytes = 268_435_456;

const compress = promisify(zstdCompress);
const decompress = promisify(zstdDecompress);
const quick = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };

/**
 * Plain data as a text for another node.
 * @throws ServiceError QUERY_TOO_EXPENSIVE where it is too large to be sent
 */
export async function packed(data: unknown): Promise<string> {
  const bytes = Buffer.from(JSON.stringify(data));
  const text =
    bytes.length > maxUnpackedBytes ? undefined : (await compress(bytes, quick)).toString("base64");
  if (text !== undefined && text.length <= maxPackedLength) return text;
  throw new ServiceError("QUERY_TOO_EXPENSIVE", "a part of the answer is too large to be sent");
}

/** What was packed. */
export async function unpacked(text: string): Promise<unknown> {
  const bytes = await decompress(Buffer.from(text, "base64"), {
    maxOutputLength: maxUnpackedBytes,
  });
  return JSON.parse(bytes.toString()) as unknown;
}
