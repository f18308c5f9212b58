/** `tracker.js`: everything. */
import { commerce } from '../commerce';
import { boot } from '../core';
import { safely } from '../dom';
import { engagement } from '../engagement';
import { errors } from '../errors';
import { vitals } from '../vitals';

commerce();
// In a task of its own: browsers tell the vitals of what was before as well, and the page waits less for the start.
boot(errors, engagement, () => setTimeout(safely, 0, vitals));
