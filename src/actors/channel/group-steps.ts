import { commitChange, proposeLeave } from '../../mls/index.ts';

/**
 * The steps of a group whose outcome goes into its state and is not determined by what goes in: fresh keys and signatures are
 * drawn. A port, so that what was drawn once can be drawn again.
 */
export interface GroupSteps {
  readonly commitChange: typeof commitChange;
  readonly proposeLeave: typeof proposeLeave;
}

/** The steps of `mls`. */
export const groupSteps: GroupSteps = { commitChange, proposeLeave };
