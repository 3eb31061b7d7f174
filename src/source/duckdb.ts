// DuckDB, imported when SQL is first needed and never before: opening a dataset and training from it load no native
// module. Here are only its settings, the same for all uses, and how names and texts are written in SQL.

import type { DuckDBConnection } from "@duckdb/node-api";
import { SpillwayError, systemCode } from "../errors.js";

/** How DuckDB is to work. */
export interface DuckDbOptions {
  /** Bytes that it may hold; its own structures, not the whole process. */
  memoryBytes: number;
  threads: number;
  /** Folder for what does not fit; without one, too little memory is an error. */
  scratch?: string;
}

/** @throws SpillwayError `missing` if the package is not installed, or not for this system */
export async function loadDuckDb(): Promise<typeof import("@duckdb/node-api")> {
  try {
    return await import("@duckdb/node-api");
  } catch (cause) {
    const isAbsent = ["ERR_MODULE_NOT_FOUND", "MODULE_NOT_FOUND", "ERR_DLOPEN_FAILED"].includes(
      systemCode(cause),
    );
    if (!isAbsent) throw cause;
    throw new SpillwayError(
      "missing",
      "SQL and tables need the package @duckdb/node-api, which cannot be loaded",
      {
        remedy: "Install it: npm install @duckdb/node-api.",
        cause,
      },
    );
  }
}

/** A DuckDB of its own with nothing in it, for as long as the work takes. */
export async function withDuckDb<T>(
  options: DuckDbOptions,
  work: (connection: DuckDBConnection) => Promise<T>,
): Promise<T> {
  const { DuckDBInstance } = await loadDuckDb();
  const instance = await DuckDBInstance.create(":memory:", {
    memory_limit: `${Math.ceil(options.memoryBytes)}B`,
    threads: String(options.threads),
    temp_directory: options.scratch ?? "",
    preserve_insertion_order: "true",
    autoinstall_known_extensions: "false",
    autoload_known_extensions: "false",
  });
  try {
    const connection = await instance.connect();
    try {
      return await work(connection);
    } finally {
      connection.closeSync();
    }
  } finally {
    instance.closeSync();
  }
}

/** A text in SQL. */
export function sqlText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** A name in SQL. */
export function sqlName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A path in SQL. DuckDB takes *, ? and [ in one for a pattern: in brackets they stand for themselves. */
export function sqlPath(path: string): string {
  return sqlText(path.replace(/[*?[]/g, "[$&]"));
}
