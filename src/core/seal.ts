/** Authenticated encryption with a key of this installation. */
export interface Seal {
  /** @param context what the text belongs to; the same must be given to open it */
  seal(text: string, context: string): string;
  /** @returns undefined when it was not sealed here, or for another context */
  open(sealed: string, context: string): string | undefined;
}
