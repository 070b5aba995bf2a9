/** The build adds this file to every kernel, so that `language.ts` is there without being imported. */
import 'kernel-sdk/language';
