import { CREDITING } from './variants/crediting.ts';
import { HEARING } from './variants/hearing.ts';
import { KEEPING } from './variants/keeping.ts';
import { MERGING } from './variants/merging.ts';
import type { Variant } from './variants/variant.ts';
import { WRITING } from './variants/writing.ts';

/** The bugs that the simulation must find, each by itself: what it does not find it does not prove. */
export const VARIANTS: readonly Variant[] = [...KEEPING, ...HEARING, ...MERGING, ...WRITING, ...CREDITING];
