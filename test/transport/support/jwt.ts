/** A JWT with these claims, in seconds, signed by nobody: for those who only read when it ends. */
export function unsignedJwt(claims: { readonly iat?: number; readonly exp?: number; readonly name?: string }): string {
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part({ alg: 'HS256', typ: 'JWT' })}.${part(claims)}.c2lnbmF0dXJl`;
}
