/**
 * The licences of all that the program holds, as `--licenses` prints them. In executables and
 * bundles the build puts the texts here, see lib/build/bundle/licenses.ts.
 */
export const LICENSES: string = "This program runs from its sources: its licence is in LICENSE " +
  "beside them, those of the npm packages that it imports are in the packages.\n";
