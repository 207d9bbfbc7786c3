// Package snapshot keeps the state of a control plane in one file, and puts it back.
//
// A snapshot is a tar archive, compressed by zstd, which tar itself unpacks:
//
//	manifest.json   of what and when it is, and the size and SHA-256 of each file after it
//	etcd.db         etcd's own snapshot, as `etcdctl snapshot save` writes it
//	files/...       what the store is of no use without: the authorities' keys, the key that signs the tokens of service
//	                accounts, the key that Secrets are encrypted with, and the settings that are in objects and certificates
//
// It promises that a file which bears a snapshot's name is whole; that one which was cut off, or whose contents were changed in any byte,
// is never restored, and is told apart by a *DamagedError; that whoever restores finds either all of the snapshot in its place or what was there before; and that clients who
// watched before a restore are told to list anew, since revisions go on from far ahead, as `etcdutl snapshot restore --bump-revision` has it.
//
// A snapshot with keys is as good as the control plane's own: files are readable by their owner alone.
//
// It never stops or starts a control plane, and never restores over data that is there: who calls it moves that away. It knows of a store only
// how to reach it.
package snapshot
