/** This worker's version, as a coordinator sees it; package.json has the same. */
export const release = '0.1.0';
