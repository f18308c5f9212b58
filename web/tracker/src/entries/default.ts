/** `tracker.js`: everything. */
import { commerce } from '../commerce';
import { boot } from '../core';
import { engagement } from '../engagement';
import { errors } from '../errors';
import { vitals } from '../vitals';

commerce();
boot(errors, engagement, vitals);
