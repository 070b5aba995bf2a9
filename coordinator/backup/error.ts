// What a backup or a restore can meet that a person has to mend: what happened, why, what to do.

export type BackupErrorCode =
  | 'no_room'
  | 'folder_not_empty'
  | 'backup_unknown'
  | 'backup_damaged'
  | 'data_folder_unknown'
  | 'backup_of_cluster';

export class BackupError extends Error {
  override readonly name = 'BackupError';
  readonly code: BackupErrorCode;
  readonly what: string;
  readonly why: string;
  readonly doThis: string;

  constructor(code: BackupErrorCode, lines: { what: string; why: string; doThis: string }) {
    super(`${lines.what}: ${lines.why}`);
    this.code = code;
    this.what = lines.what;
    this.why = lines.why;
    this.doThis = lines.doThis;
  }
}
