// Package store keeps volumes and snapshots as directories below one directory.
//
//	volumes/ID/volume.json      what the volume is
//	volumes/ID/data             its content, which pods see
//	snapshots/ID/snapshot.json  what the snapshot is
//	snapshots/ID/data           its content
//	aside/                      what is being made
//	gone/                       what was deleted, and is being wiped
//
// # What it promises
//
//   - A volume is there as a whole or not at all, whenever the process ends: it is written aside and then renamed. Deleting renames it
//     away, and then wipes it. What a process that ended has left aside, or not wiped yet, is wiped by the next one.
//   - The same name is the same volume: to create it again returns what is there, if that would do.
//   - A volume takes no more than it was made for where the file system has project quotas (package quota). Elsewhere nobody keeps a
//     pod from writing more; the store measures what a volume takes, and says so.
//   - What volumes may still come to take is not given to others: see [Store.Free].
//
// # What it never does
//
// It knows nothing of CSI and of mounts: who deletes a volume has seen to it that nobody uses it. Calls about one volume at a time are
// for the caller to see to as well.
package store
