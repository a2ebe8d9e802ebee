import { determineLength } from 'ts-mls/codec/variableLength.js';
import type { Report } from './report.ts';
import type { Vector } from './vector.ts';

/** Lengths of variable-size vectors (RFC 9420 §2.1.2). */
export function deserialization(vector: Vector, report: Report): void {
  const header = vector.bytes('vlbytes_header');
  const { length, lengthFieldSize } = determineLength(header);
  report.holds('length', length === vector.number('length'));
  report.holds('size of the header', lengthFieldSize === header.length);
}
