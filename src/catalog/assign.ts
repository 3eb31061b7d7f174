// The pure heart of every scheme that draws by lot: numbers of rows in, the part of each row out.
// Rule: it depends on the rows' numbers, the targets and the seed alone, never on how the catalog is cut into files.

import { assignGroups } from "./assign-groups.js";
import { assignRows } from "./assign-rows.js";
import { type Assignment, type AssignRequest, createAssignment } from "./assignment.js";

/**
 * Draws the part of each row.
 *
 * Without groups every class's count in a part is its exact share rounded up or down, and so is every part's count.
 * With groups they come as near as the search finds. Memory besides what is given: 1 byte a row (2 from 255 parts on),
 * 4 bytes for each class and part, and with groups 4 bytes a row and 8 for each class that a group has.
 */
export function assign(request: AssignRequest): Assignment {
  const parts = createAssignment(request.rows, request.targets.shares.length - 1);
  if (request.before) parts.set(request.before.parts.subarray(0, request.before.rows));
  if (request.groups) assignGroups({ ...request, groups: request.groups }, parts);
  else assignRows(request, parts);
  return parts;
}
