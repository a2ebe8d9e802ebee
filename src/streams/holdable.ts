/** A stream whose source can be made to wait. */
export interface Holdable {
  /**
   * Asks the source for no more until the returned function is called, by everybody who holds it; that changes nothing when
   * it is called again. What is on its way still comes.
   */
  hold(): () => void;
}

/** @internal Whether the source of a stream can be made to wait. Operators give streams of which that is not known. */
export function isHoldable(stream: object): stream is Holdable {
  return 'hold' in stream && typeof stream.hold === 'function';
}
