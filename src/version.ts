// The version of rrts. A test keeps it equal to package.json and to the PHP package.

/** Version of this package, without a leading v. */
export const VERSION = '0.1.0';

/** The RoadRunner release whose configuration and protocol rrts follows; told to tools that ask `rr --version`. */
export const ROADRUNNER_VERSION = '2025.1.5';
