import { describe, expect, it } from 'vitest';
import { connectRelay } from '../../src/transport/index.ts';
import { parseEndpoint } from '../../src/transport/grpc/endpoint.ts';

describe('connectRelay', () => {
  it.each([
    ['', 'nothing'],
    ['localhost:5000', 'no scheme'],
    ['ftp://localhost:5000', 'another scheme'],
    ['ws://localhost:5000', 'another scheme'],
    ['http://', 'no host'],
    ['http://localhost:5000/relay', 'a path'],
    ['http://localhost:5000/?a=b', 'a query'],
    ['https://sk_live_secret@localhost:5000', 'credentials'],
    ['http://localhost:99999', 'no port'],
  ])('refuses the endpoint %j: %s', (endpoint) => {
    const attempt = (): unknown => connectRelay({ endpoint });
    expect(attempt).toThrow('runtime error: Expected `endpoint` to be https://host:port or http://host:port.');
    expect(attempt).toThrow(expect.objectContaining({ code: 'invalid_argument' }));
  });

  it('reads scheme, host and port', () => {
    expect(parseEndpoint('https://relay.example.com')).toEqual({
      target: 'relay.example.com:443',
      isSecure: true,
      isLoopback: false,
    });
    expect(parseEndpoint('http://127.0.0.1:5000/')).toEqual({
      target: '127.0.0.1:5000',
      isSecure: false,
      isLoopback: true,
    });
    expect(parseEndpoint('http://[::1]:5000')).toEqual({ target: '[::1]:5000', isSecure: false, isLoopback: true });
  });

  it.each([
    [{ pingAfterMs: 0 }, /`pingAfterMs`/],
    [{ pingAfterMs: 5000, lostAfterMs: 5000 }, /`lostAfterMs`/],
    [{ minReconnectDelayMs: 100, maxReconnectDelayMs: 99 }, /`maxReconnectDelayMs`/],
    [{ connectTimeoutMs: 1.5 }, /`connectTimeoutMs`/],
    [{ maxReceiveBytes: -1 }, /`maxReceiveBytes`/],
  ])('refuses %j', (options, message) => {
    expect(() => connectRelay({ endpoint: 'http://127.0.0.1:5000', ...options })).toThrow(message);
  });

  it('refuses certificates that are none', () => {
    const rootCertificates = Buffer.from('-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n');
    expect(() => connectRelay({ endpoint: 'https://127.0.0.1:5000', rootCertificates })).toThrow(/PEM/);
  });
});
