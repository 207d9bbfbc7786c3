// Package care keeps the store of an etcd from filling up with room that nothing is in, and says early when there is too much in it.
//
// An etcd whose file has reached its quota takes no more writes, and says so in an alarm that stays until somebody takes it back. What
// was deleted leaves holes in the file, which are written to again but never given back by themselves. So care is a loop with one key:
//
//   - Look asks every member how large its file is, how much of that is in use and what its quota is, and for alarms.
//   - Plan has a member defragmented that is more holes than content, one at a time, since a member answers nothing while that goes on, and
//     behind a lock in the store itself, for each member is looked after by its own process; rarely, unless the quota is near. When there is room again, it takes the alarm back.
//   - Problem is what only a person can do something about: a store that is nearly full of what is in use, is full, or is damaged.
//
// It promises to take back no alarm while the quota would be met again at once, and none that speaks of damage.
package care
