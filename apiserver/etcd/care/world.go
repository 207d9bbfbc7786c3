package care

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// World is what is known about the members.
type World struct {
	Members []Member
	// Full and Corrupt are how many members have raised that alarm.
	Full, Corrupt int
}

// Member is how a member's store is.
type Member struct {
	Endpoint string
	// Size is how large its file is, and InUse how much of that is content, both in bytes. At Quota there are no more writes.
	Size, InUse, Quota int64
}

// Look asks the members. One that does not answer is an error.
func Look(ctx context.Context, etcd *clientv3.Client) (World, error) {
	var w World
	for _, endpoint := range etcd.Endpoints() {
		status, err := etcd.Status(ctx, endpoint)
		if err != nil {
			return World{}, fmt.Errorf("asking etcd at %s how it is: %w", endpoint, err)
		}
		w.Members = append(w.Members, Member{endpoint, status.DbSize, status.DbSizeInUse, status.DbSizeQuota})
	}
	alarms, err := etcd.AlarmList(ctx)
	if err != nil {
		return World{}, fmt.Errorf("asking etcd for its alarms: %w", err)
	}
	for _, alarm := range alarms.Alarms {
		switch alarm.Alarm {
		case etcdserverpb.AlarmType_NOSPACE:
			w.Full++
		case etcdserverpb.AlarmType_CORRUPT:
			w.Corrupt++
		case etcdserverpb.AlarmType_NONE:
		}
	}
	return w, nil
}

// String is how much each member's store has in use.
func (w World) String() string {
	said := make([]string, len(w.Members))
	for i, m := range w.Members {
		said[i] = size(m.InUse) + " of " + size(m.Quota) + " in use"
	}
	return strings.Join(said, ", ")
}

// full is the part of its quota that a member may have in use before somebody has to know, and that its file may have before it is
// defragmented whenever that gives anything back.
const full = 0.8

// crowded says whether what is in use comes near the quota.
func (m Member) crowded() bool { return m.Quota > 0 && float64(m.InUse) >= full*float64(m.Quota) }

// pressing says whether the file comes near the quota.
func (m Member) pressing() bool { return m.Quota > 0 && float64(m.Size) >= full*float64(m.Quota) }

// Problem is what a person has to do something about, and how; nil if nothing.
func (w World) Problem() error {
	if w.Corrupt > 0 {
		return errors.New("etcd has found its members to differ (alarm CORRUPT): stop, and restore the newest snapshot with 'orrery snapshot restore'")
	}
	for _, m := range w.Members {
		switch {
		case w.Full > 0 && m.crowded():
			return fmt.Errorf("etcd is full and takes no more writes, but for deletions: %s of %s are in use: delete what is not needed "+
				"('orrery kubectl get events -A' shows what there often is most of), or start with a larger --etcd-quota-backend-bytes", size(m.InUse), size(m.Quota))
		case m.crowded():
			return fmt.Errorf("etcd is nearly full: %s of %s are in use, and then it takes no more writes: delete what is not needed, "+
				"or start with a larger --etcd-quota-backend-bytes", size(m.InUse), size(m.Quota))
		}
	}
	return nil
}

// size is a number of bytes for people.
func size(bytes int64) string {
	switch {
	case bytes >= 1<<30:
		return fmt.Sprintf("%.1f GiB", float64(bytes)/(1<<30))
	default:
		return fmt.Sprintf("%.0f MiB", float64(bytes)/(1<<20))
	}
}
