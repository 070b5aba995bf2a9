/** A file of the archive that there must be is missing, or its bytes are others than were written. */
export class ArchiveDamaged extends Error {
  override readonly name = 'ArchiveDamaged';
}
