package cli

import (
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"github.com/orrery-dev/orrery/apiserver/etcd/members"
	"github.com/orrery-dev/orrery/internal/cli/bootstraptoken"
	"github.com/orrery-dev/orrery/internal/cli/instance"
	"github.com/orrery-dev/orrery/internal/cli/memberjoin"
)

// upFlags are those of 'orrery up' as a person has typed them.
func upFlags(t *testing.T, args ...string) (*upOptions, *pflag.FlagSet) {
	t.Helper()
	o, flags := &upOptions{}, pflag.NewFlagSet("up", pflag.ContinueOnError)
	o.addFlags(flags)
	o.members.addOnce(flags)
	if err := flags.Parse(args); err != nil {
		t.Fatal(err)
	}
	return o, flags
}

func wantSentence(t *testing.T, err error, part string) {
	t.Helper()
	switch {
	case part == "" && err != nil:
		t.Errorf("got %v, want none", err)
	case part != "" && (err == nil || !strings.Contains(err.Error(), part)):
		t.Errorf("got %v, want one that says %q", err, part)
	}
}

func TestAMemberGoesOnAsOne(t *testing.T) {
	address := netip.MustParseAddr("192.0.2.2")
	first, joined := &instance.Member{Name: "cp-1", Address: address, Several: true}, &instance.Member{Name: "cp-2", Address: address, Several: true, Joined: true}
	for _, c := range []struct {
		name   string
		member *instance.Member
		args   []string
		want   string // a part of why not
		bind   string
		runs   bool // nodes of its own
	}{
		{"on its own it is reached by nobody", nil, nil, "", "127.0.0.1", true},
		{"that others could join, it is not either", &instance.Member{Address: address}, nil, "", "127.0.0.1", true},
		{"with others it is reached where it was", first, nil, "", "192.0.2.2", true},
		{"or where somebody says", first, []string{"--bind-address=192.0.2.9"}, "", "192.0.2.9", true},
		{"one that has joined runs no containers", joined, nil, "", "192.0.2.2", false},
		{"and says so", joined, []string{"--runtime=containerd"}, "a machine that joins a control plane as a member runs no containers", "", false},
		{"another etcd is not its own", joined, []string{"--etcd-servers=http://192.0.2.3:2379"}, "this instance is member cp-2", "", false},
		{"it is parted from nobody on its own", nil, []string{"--force-new-cluster", "--yes"}, "has no other members to be parted from", "", false},
		{"it is parted from others when it is said twice", first, []string{"--force-new-cluster"}, "To do it, say it again with --yes", "", false},
		{"and then it is", first, []string{"--force-new-cluster", "--yes"}, "", "192.0.2.2", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			o, flags := upFlags(t, c.args...)
			o.runtime = containerdRuntime // as for root
			err := o.asMember(c.member, flags)
			wantSentence(t, err, c.want)
			if err == nil && (o.bind.String() != c.bind || o.joined == c.runs) {
				t.Errorf("it is reached at %s and joined: %t; want %s and %t", o.bind, o.joined, c.bind, !c.runs)
			}
		})
	}
}

func TestWhatIsWrongAboutMembersIsSaidBeforeAnythingIsDone(t *testing.T) {
	for _, c := range []struct {
		name string
		args []string
		want string
	}{
		{"nothing", nil, ""},
		{"a name", []string{"--member-name=Cp_1"}, `--member-name "Cp_1": want lower-case letters`},
		{"a port without one before it", []string{"--peer-port=1"}, "--peer-port 1: want 2 to 65535"},
		{"another etcd", []string{"--etcd-servers=http://192.0.2.3:2379", "--join=t@h"}, "leave out one or the other"},
		{"yes to nothing", []string{"--yes"}, "--yes goes with --force-new-cluster"},
		{"join and part", []string{"--join=t@h", "--force-new-cluster", "--yes"}, "leave out one"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o, _ := upFlags(t, c.args...)
			wantSentence(t, o.members.check(len(o.etcd.servers) > 0), c.want)
		})
	}
	for _, target := range []string{"", "token", "@host", "token@"} {
		if _, _, err := (&memberJoin{target: target}).parse(); err == nil {
			t.Errorf("--join %q is taken", target)
		}
	}
}

func TestATokenOfAMemberIsToldNowhere(t *testing.T) {
	_, flags := upFlags(t, "--join=abcdef.0123456789abcdef@192.0.2.1", "--ca-hash=sha256:0")
	for name, value := range chosen(flags) {
		if strings.Contains(value, "abcdef") {
			t.Errorf("the status tells of --%s=%s", name, value)
		}
	}
}

func TestPortsOfAMember(t *testing.T) {
	address := netip.AddrFrom4([4]byte{127, 71, byte(os.Getpid() >> 8), byte(os.Getpid())})
	usual, err := choosePorts(t.Context(), address, 0, 0)
	if err != nil || usual != 2380 {
		t.Errorf("at an address that nobody has the port is %d (%v)", usual, err)
	}
	taken, err := new(net.ListenConfig).Listen(t.Context(), "tcp", netip.AddrPortFrom(address, 2379).String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	another, err := choosePorts(t.Context(), address, 0, 0)
	if err != nil || another == 2380 || another == 0 {
		t.Errorf("where the usual one is taken the port is %d (%v)", another, err)
	}
	_, err = choosePorts(t.Context(), address, 2380, 0)
	wantSentence(t, err, "--peer-port 2380 cannot be used")
	_, err = choosePorts(t.Context(), address, 0, 2380)
	wantSentence(t, err, "port 2380, at which members reached this one before, cannot be used")
}

func TestATokenForAMemberIsForNothingElse(t *testing.T) {
	for _, c := range []struct {
		name string
		args []string
		want string
	}{
		{"by default", nil, ""},
		{"for longer than a day", []string{"--ttl=25h"}, "want at most 24h0m0s"},
		{"for ever", []string{"--ttl=0"}, "want at most"},
		{"for a node as well", []string{"--groups=system:bootstrappers:nodes"}, "leave out --groups"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var o bootstraptoken.Options
			flags := pflag.NewFlagSet("create", pflag.ContinueOnError)
			flags.DurationVar(&o.TTL, "ttl", bootstraptoken.DefaultTTL, "")
			flags.StringSliceVar(&o.Groups, "groups", nil, "")
			flags.StringSliceVar(&o.Usages, "usages", nil, "")
			if err := flags.Parse(c.args); err != nil {
				t.Fatal(err)
			}
			err := forMember(&o, flags)
			wantSentence(t, err, c.want)
			if err == nil && (o.TTL != memberTTL || len(o.Groups) != 1) {
				t.Errorf("it is good for %s, for %v", o.TTL, o.Groups)
			}
		})
	}
}

func TestWhatAMachineWasGivenIsItsOwn(t *testing.T) {
	inst := &instance.Instance{Name: "cp", Dir: t.TempDir()}
	grant := memberjoin.Grant{
		Files:     map[string][]byte{"pki/ca.key": []byte("secret"), "encryption.yaml": []byte("key")},
		Addresses: instance.Addresses{Pods: netip.MustParsePrefix("10.244.0.0/16"), Services: netip.MustParsePrefix("10.96.0.0/16")},
	}
	m := instance.Member{Name: "cp-2", Joined: true, Several: true}
	if err := adopt(t.Context(), inst, m, grant); err != nil {
		t.Fatal(err)
	}
	for name, want := range grant.Files {
		path := filepath.Join(serverDir(inst), name)
		content, err := os.ReadFile(path)
		if err != nil || string(content) != string(want) {
			t.Errorf("%s holds %q (%v)", name, content, err)
		}
		if info, err := os.Stat(path); err == nil && info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %s", name, info.Mode())
		}
	}
	settings, err := inst.Settings()
	if err != nil || settings.Member == nil || settings.Member.Name != "cp-2" || settings.Addresses != grant.Addresses {
		t.Errorf("the settings are %+v (%v)", settings, err)
	}
	grant.Files["../outside"] = nil
	if err := adopt(t.Context(), &instance.Instance{Name: "another", Dir: t.TempDir()}, m, grant); err == nil {
		t.Error("a file outside of its directory is written")
	}
}

func TestOneMemberIsToldHowOthersJoin(t *testing.T) {
	w := members.World{Self: 1, Members: []members.Member{
		{ID: 1, Name: "orrery", PeerURL: "https://192.0.2.1:2380", ClientURL: "unix:///etcd.sock", Leader: 1, Index: 9, Version: "3.7.0"},
	}}
	for name, c := range map[string]struct {
		open          bool
		address, says string
	}{
		"where others reach it":   {true, "192.0.2.1:2380", "there is one member; to add others: 'orrery token create"},
		"where nobody reaches it": {false, "", "'orrery up --bind-address ADDRESS'"},
	} {
		t.Run(name, func(t *testing.T) {
			told := listMembers(w, c.open)
			if len(told.Members) != 1 || told.Members[0].Address != c.address || !told.Members[0].Leader || !told.Members[0].Healthy {
				t.Errorf("told is %+v", told)
			}
			if told.Problem != "" || !strings.Contains(told.Advice, c.says) {
				t.Errorf("the problem is %q and the advice %q, want %q in it", told.Problem, told.Advice, c.says)
			}
		})
	}
}

func TestAMemberThatDoesNotAnswerHasNoFigures(t *testing.T) {
	w := members.World{Self: 1, Members: []members.Member{
		{ID: 1, Name: "cp-1", PeerURL: "https://192.0.2.1:2380", ClientURL: "https://192.0.2.1:2379", Leader: 1, Index: 9, Version: "3.7.0"},
		{ID: 2, Name: "cp-2", PeerURL: "https://192.0.2.2:2380", ClientURL: "https://192.0.2.2:2379", Err: os.ErrDeadlineExceeded},
	}}
	told := listMembers(w, true)
	if !told.Members[0].Leader || !told.Members[0].Self || told.Members[1].Healthy || told.Members[1].Problem == "" {
		t.Errorf("told is %+v", told)
	}
	if told.Problem == "" || told.Advice == "" {
		t.Errorf("of two members of which one is silent the problem is %q and the advice %q", told.Problem, told.Advice)
	}
	row := memberTable(told.Members).Rows[1]
	if got := strings.Join(row[:5], " "); got != "cp-2 192.0.2.2:2380 follower  " {
		t.Errorf("the row is %q", got)
	}
}
