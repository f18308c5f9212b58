/** `tracker.core.js`: everything but web vitals. */
import { boot } from '../core';

boot();
