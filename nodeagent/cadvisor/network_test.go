package cadvisor

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

const netDev = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:     100       1    0    0    0     0          0         0      100       1    0    0    0     0       0          0
  eth0: 1048576    1000    2    3    0     0          0         0   524288     800    4    5    0     0       0          0
`

func TestInterfacesButTheLoopback(t *testing.T) {
	want := []Interface{{
		Name:     "eth0",
		Received: Traffic{Bytes: 1048576, Packets: 1000, Errors: 2, Dropped: 3},
		Sent:     Traffic{Bytes: 524288, Packets: 800, Errors: 4, Dropped: 5},
	}}
	if diff := cmp.Diff(want, interfaces(netDev)); diff != "" {
		t.Error(diff)
	}
	if got := interfaces("what\nis: this\n"); got != nil {
		t.Errorf("%+v", got)
	}
}
