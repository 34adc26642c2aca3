import { isIPv4, isIPv6 } from "node:net";
import fc from "fast-check";
import { readAddress } from "../../../../lib/event/enrich/ip.ts";

/** The groups of an IPv6 address, by way of the URL standard's own parser. */
function canonical6(address: string): string {
  return new URL(`http://[${address}]/`).hostname.slice(1, -1);
}

const hextet = fc.integer({ min: 0, max: 0xffff }).map((group) => group.toString(16));

/** Addresses with long and short runs of zeros. */
const ipV6 = fc.oneof(
  fc.ipV6(),
  fc
    .array(fc.oneof(fc.constant("0"), hextet), { minLength: 8, maxLength: 8 })
    .map((groups) => groups.join(":")),
);

describe("readAddress", () => {
  test.each([
    ["203.0.114.77", "203.0.114.77", "203.0.114.0"],
    ["  8.8.4.4 ", "8.8.4.4", "8.8.4.0"],
    ["8.8.4.4:61234", "8.8.4.4", "8.8.4.0"],
    ["::ffff:8.8.4.4", "8.8.4.4", "8.8.4.0"],
    ["::FFFF:0808:0404", "8.8.4.4", "8.8.4.0"],
    ["2001:4860:4860::8888", "2001:4860:4860::8888", "2001:4860:4860::"],
    ["2A02:2E0:3FE:1001:7777:772E:2:85", "2a02:2e0:3fe:1001:7777:772e:2:85", "2a02:2e0:3fe::"],
    ["[2a02:2e0:3fe:1001::1]:443", "2a02:2e0:3fe:1001::1", "2a02:2e0:3fe::"],
    ["fe80::1ff:fe23:4567:890a%eth2", "fe80::1ff:fe23:4567:890a", "fe80::"],
    ["2001:0:0:1:0:0:0:1", "2001:0:0:1::1", "2001::"],
    ["1:0:0:2:3:4:5:6", "1::2:3:4:5:6", "1::"],
    ["1:0:2:3:4:5:6:7", "1:0:2:3:4:5:6:7", "1:0:2::"],
    ["::", "::", "::"],
    ["::1", "::1", "::"],
    ["::192.0.2.33", "::c000:221", "::"],
    ["8.8.8.8, 172.16.0.1", "8.8.8.8", "8.8.8.0"],
    ["8.8.8.8,172.16.0.1:80", "8.8.8.8", "8.8.8.0"],
    ["8.8.8.8:4711, 9.9.9.9", "8.8.8.8", "8.8.8.0"],
    ["unknown, 8.8.8.8", "8.8.8.8", "8.8.8.0"],
    ["10.0.0.7, 8.8.8.8", "10.0.0.7", "10.0.0.0"],
    ["[2a02:2e0:3fe::1]:443, 10.0.0.1", "2a02:2e0:3fe::1", "2a02:2e0:3fe::"],
    ["2a02:2e0:3fe::1%eth0, ::1", "2a02:2e0:3fe::1", "2a02:2e0:3fe::"],
    ["for=192.0.2.60;proto=http;by=203.0.113.43", "192.0.2.60", "192.0.2.0"],
    ['For="[2001:db8:cafe::17]:4711", for=_hidden', "2001:db8:cafe::17", "2001:db8:cafe::"],
    [`${"8.8.8.8, ".repeat(1_000)}`, "8.8.8.8", "8.8.8.0"],
  ])("%s is %s, kept as %s", (text, full, truncated) => {
    expect(readAddress(text)).toMatchObject({ full, truncated });
  });

  test("of a 6to4 address, which holds an IPv4 address, no more is kept than of that", () => {
    // 2002:0808:0404:: is 8.8.4.4
    expect(readAddress("2002:808:404:1::9")?.truncated).toBe("2002:808:400::");
  });

  test.each([
    [""],
    ["unknown"],
    ["localhost"],
    ["8.8.8"],
    ["8.8.8.8.8"],
    ["8.8.8.256"],
    ["08.8.8.8"],
    ["8.8.8.8/24"],
    ["8.8.8.8%eth0"],
    ["0x8080808"],
    ["134744072"],
    [":"],
    [":::"],
    ["1::2::3"],
    ["1:2:3:4:5:6:7"],
    ["1:2:3:4:5:6:7:8:9"],
    ["1::2:3:4:5:6:7:8"],
    ["1.2.3.4::"],
    ["12345::"],
    ["g::"],
    ["[::1"],
    ["fe80::1%"],
    [`fe80::1%${"a".repeat(100)}`],
    [134744072],
    [null],
    [undefined],
    [true],
    [["8.8.8.8"]],
    ["unknown, _hidden"],
    ["proto=http;host=8.8.8.8"],
    [`${"x, ".repeat(1_000)}8.8.8.8`],
    [",,,"],
    [{ ip: "8.8.8.8" }],
  ])("%j is none", (value) => {
    expect(readAddress(value)).toBeUndefined();
  });

  test("takes what Node takes for an address, and nothing else", () => {
    const almost = fc.oneof(
      fc.ipV4(),
      ipV6,
      fc.string({ unit: fc.constantFrom(..."0123456789abcf:."), maxLength: 24 }),
    );
    fc.assert(
      fc.property(almost, (text) => {
        // With a port Node refuses it.
        fc.pre(!/^[\d.]+:\d+$/.test(text));
        expect(readAddress(text) !== undefined).toBe(isIPv4(text) || isIPv6(text));
      }),
      { numRuns: 2_000 },
    );
  });

  test("writes IPv6 as the URL standard does", () => {
    fc.assert(
      fc.property(ipV6, (text) => {
        const full = readAddress(text)!.full;
        expect(isIPv4(full) ? canonical6(`::ffff:${full}`) : full).toBe(canonical6(text));
      }),
    );
  });

  test("keeps 24 bits of IPv4, and all who share them look the same", () => {
    const octet = fc.nat(255);
    fc.assert(
      fc.property(octet, octet, octet, octet, octet, (a, b, c, d, other) => {
        const network = `${a}.${b}.${c}.0`;
        expect(readAddress(`${a}.${b}.${c}.${d}`)?.truncated).toBe(network);
        expect(readAddress(`::ffff:${a}.${b}.${c}.${other}`)?.truncated).toBe(network);
        expect(readAddress(network)?.truncated).toBe(network);
      }),
    );
  });

  test("keeps at most 48 bits of IPv6, and all who share them look the same", () => {
    const head = fc.tuple(hextet, hextet, hextet);
    const tail = fc.array(hextet, { minLength: 5, maxLength: 5 });
    fc.assert(
      fc.property(head, tail, tail, (network, one, other) => {
        fc.pre(network.some((group) => group !== "0"));
        const kept = readAddress([...network, ...one].join(":"))!.truncated;
        expect(readAddress([...network, ...other].join(":"))!.truncated).toBe(kept);
        expect(kept.endsWith("::")).toBe(true);
        expect(kept.split(":").length).toBeLessThanOrEqual(5);
        expect(readAddress(kept)?.truncated).toBe(kept);
      }),
    );
  });

  test.each([
    ["0.1.2.3"],
    ["10.1.2.3"],
    ["100.64.0.1"],
    ["100.127.255.255"],
    ["127.0.0.1"],
    ["169.254.169.254"],
    ["172.16.0.1"],
    ["172.31.255.255"],
    ["192.0.2.1"],
    ["192.168.1.1"],
    ["198.18.0.1"],
    ["198.51.100.1"],
    ["203.0.113.9"],
    ["224.0.0.1"],
    ["255.255.255.255"],
    ["::1"],
    ["::ffff:192.168.1.1"],
    ["fe80::1"],
    ["fc00::1"],
    ["2001:db8::1"],
    ["3fff:1::1"],
    ["ff02::1"],
  ])("%s is of no country", (text) => {
    expect(readAddress(text)?.global).toBe(false);
  });

  test.each([
    ["8.8.8.8"],
    ["100.63.0.1"],
    ["100.128.0.1"],
    ["172.15.0.1"],
    ["172.32.0.1"],
    ["192.1.2.3"],
    ["198.20.0.1"],
    ["203.0.114.1"],
    ["223.255.255.1"],
    ["::ffff:8.8.8.8"],
    ["2001:4860::1"],
    ["2a00::1"],
  ])("%s is of some country", (text) => {
    expect(readAddress(text)?.global).toBe(true);
  });
});
