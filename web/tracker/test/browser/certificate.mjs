// A certificate that signs itself, made when it is needed: no file with a key, and none that runs out. DER by hand, since
// Node.js reads certificates and makes none.
import { generateKeyPairSync, sign } from 'node:crypto';

const der = (tag, ...parts) => {
  const body = Buffer.concat(parts);
  const long = body.length > 127 ? Buffer.from([body.length >> 8, body.length & 255]) : undefined;
  return Buffer.concat([
    Buffer.from([tag]),
    ...(long ? [Buffer.from([0x82]), long] : [Buffer.from([body.length])]),
    body,
  ]);
};
const sequence = (...parts) => der(0x30, ...parts);
const integer = (value) => der(0x02, Buffer.from([value]));
const oid = (...bytes) => der(0x06, Buffer.from(bytes));
const time = (at) =>
  der(
    0x17,
    Buffer.from(
      at
        .toISOString()
        .replace(/\.\d+|[-:T]/g, '')
        .slice(2),
    ),
  );

/** ecdsa-with-SHA256, RFC 5758. */
const ALGORITHM = sequence(oid(0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02));
const DAY = 86_400_000;

/** Key and certificate for these names, good from yesterday until tomorrow. */
export function selfSigned(...names) {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  // commonName
  const name = sequence(der(0x31, sequence(oid(0x55, 0x04, 0x03), der(0x0c, Buffer.from(names[0])))));
  // subjectAltName
  const hosts = sequence(...names.map((host) => der(0x82, Buffer.from(host))));
  const extension = sequence(oid(0x55, 0x1d, 0x11), der(0x04, hosts));
  const body = sequence(
    der(0xa0, integer(2)),
    integer(1),
    ALGORITHM,
    name,
    sequence(time(new Date(Date.now() - DAY)), time(new Date(Date.now() + DAY))),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, sequence(extension)),
  );
  const whole = sequence(body, ALGORITHM, der(0x03, Buffer.from([0]), sign('sha256', body, privateKey)));
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
    cert: `-----BEGIN CERTIFICATE-----\n${whole.toString('base64')}\n-----END CERTIFICATE-----\n`,
  };
}
