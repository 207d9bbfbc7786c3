package etcd

import "path/filepath"

// Member is as whom a single member knows itself, and where its data is. Data that is made for it, from a snapshot, has to say the same.
type Member struct {
	// Name, PeerURL and Token are those of a cluster of one. It has no peers to listen for: the URL only names it.
	Name, PeerURL, Token string
	// DataDir is etcd's own directory.
	DataDir string
}

// MemberOf is the member whose data is in a directory (Options.Dir).
func MemberOf(dir string) Member {
	return Member{
		Name:    "orrery",
		PeerURL: "http://127.0.0.1:2380",
		Token:   "etcd-cluster", // as etcd has it where nobody says another
		DataDir: filepath.Join(dir, memberData),
	}
}
