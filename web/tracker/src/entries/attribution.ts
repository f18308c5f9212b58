/** `tracker.attr.js`: everything, and what caused each web vital. */
import { commerce } from '../commerce';
import { boot } from '../core';
import { engagement } from '../engagement';
import { errors } from '../errors';
import { vitals } from '../vitals-attribution';

commerce();
boot(errors, engagement, vitals);
