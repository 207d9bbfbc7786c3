package nft

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
	"sigs.k8s.io/knftables"
)

// Attributes of include/uapi/linux/netfilter/nf_tables.h that golang.org/x/sys/unix lacks.
const (
	tableHandle = 4
	chainFlags  = 10
	setHandle   = 16
)

// attempts is how often marks are read anew, because somebody changed something meanwhile.
const attempts = 10

// families are those of the kernel, by nft's names for them.
var families = map[knftables.Family]uint8{
	knftables.IPv4Family: unix.NFPROTO_IPV4,
	knftables.IPv6Family: unix.NFPROTO_IPV6,
	knftables.InetFamily: unix.NFPROTO_INET,
}

// netlink reads one table from the kernel of the network namespace of the calling thread.
type netlink struct {
	family uint8
	table  string
}

// Generation asks for nftables' count of changes.
func (n netlink) Generation() (uint32, error) {
	answers, err := n.ask(unix.NFT_MSG_GETGEN, 0)
	if err != nil {
		return 0, fmt.Errorf("asking for the generation: %w", err)
	}
	if len(answers) != 1 {
		return 0, fmt.Errorf("asking for the generation: %d answers", len(answers))
	}
	return answers[0].number(unix.NFTA_GEN_ID), nil
}

// Marks reads until nobody has changed anything meanwhile.
func (n netlink) Marks() (*Marks, error) {
	for range attempts {
		before, err := n.Generation()
		if err != nil {
			return nil, err
		}
		marks, err := n.marks()
		switch {
		case errors.Is(err, unix.ENOENT):
			marks = nil
		case errors.Is(err, nl.ErrDumpInterrupted):
			continue
		case err != nil:
			return nil, err
		}
		after, err := n.Generation()
		if err != nil {
			return nil, err
		}
		if before == after {
			if marks != nil {
				marks.Generation = after
			}
			return marks, nil
		}
	}
	return nil, fmt.Errorf("it was changed each time, %d times in a row", attempts)
}

func (n netlink) marks() (*Marks, error) {
	tables, err := n.ask(unix.NFT_MSG_GETTABLE, 0, attribute{unix.NFTA_TABLE_NAME, n.table})
	if err != nil {
		return nil, fmt.Errorf("asking for the table: %w", err)
	}
	m := &Marks{Chains: map[string]Mark{}, Sets: map[string]Mark{}}
	var frame strings.Builder
	chains, err := n.chains(m, &frame)
	if err != nil {
		return nil, err
	}
	if err := n.rules(m); err != nil {
		return nil, err
	}
	sets, err := n.sets(m, &frame)
	if err != nil {
		return nil, err
	}
	for _, table := range tables {
		others := int(table.number(unix.NFTA_TABLE_USE)) - chains - sets // counters, quotas and so on: we make none
		fmt.Fprintf(&frame, "table %x %x %d\n", table.value(tableHandle), table.value(unix.NFTA_TABLE_FLAGS), others)
	}
	m.Frame = frame.String()
	return m, nil
}

// chains puts the chains into the frame, and counts them.
func (n netlink) chains(m *Marks, frame *strings.Builder) (int, error) {
	chains, err := n.ask(unix.NFT_MSG_GETCHAIN, unix.NLM_F_DUMP, attribute{unix.NFTA_CHAIN_TABLE, n.table})
	if err != nil {
		return 0, fmt.Errorf("asking for the chains: %w", err)
	}
	for _, chain := range chains {
		if chain.text(unix.NFTA_CHAIN_TABLE) != n.table {
			continue // the kernel tells those of all tables
		}
		name := chain.text(unix.NFTA_CHAIN_NAME)
		m.Chains[name] = Mark{}
		fmt.Fprintf(frame, "chain %s %x %x %x\n", name, chain.value(unix.NFTA_CHAIN_HANDLE), chain.value(unix.NFTA_CHAIN_POLICY), chain.value(chainFlags))
	}
	return len(m.Chains), nil
}

func (n netlink) rules(m *Marks) error {
	rules, err := n.ask(unix.NFT_MSG_GETRULE, unix.NLM_F_DUMP, attribute{unix.NFTA_RULE_TABLE, n.table})
	if err != nil {
		return fmt.Errorf("asking for the rules: %w", err)
	}
	for _, rule := range rules {
		name := rule.text(unix.NFTA_RULE_CHAIN)
		mark := m.Chains[name]
		m.Chains[name] = Mark{mark.Count + 1, mark.Content + string(rule.value(unix.NFTA_RULE_HANDLE))}
	}
	return nil
}

// sets puts the sets that have names into the frame, and counts all. The others belong to their rules, and nobody can change them.
func (n netlink) sets(m *Marks, frame *strings.Builder) (int, error) {
	sets, err := n.ask(unix.NFT_MSG_GETSET, unix.NLM_F_DUMP, attribute{unix.NFTA_SET_TABLE, n.table})
	if err != nil {
		return 0, fmt.Errorf("asking for the sets: %w", err)
	}
	for _, set := range sets {
		flags := set.number(unix.NFTA_SET_FLAGS)
		if flags&unix.NFT_SET_ANONYMOUS != 0 {
			continue
		}
		name := set.text(unix.NFTA_SET_NAME)
		fmt.Fprintf(frame, "set %s %x\n", name, set.value(setHandle))
		if m.Sets[name] = (Mark{}); flags&unix.NFT_SET_TIMEOUT != 0 {
			continue // rules fill it
		}
		if m.Sets[name], err = n.elements(name); err != nil {
			return 0, err
		}
	}
	return len(sets), nil
}

func (n netlink) elements(set string) (Mark, error) {
	answers, err := n.ask(unix.NFT_MSG_GETSETELEM, unix.NLM_F_DUMP,
		attribute{unix.NFTA_SET_ELEM_LIST_TABLE, n.table}, attribute{unix.NFTA_SET_ELEM_LIST_SET, set})
	if err != nil {
		return Mark{}, fmt.Errorf("asking for the elements of %s: %w", set, err)
	}
	var all []string
	for _, a := range answers {
		list := answer(a.value(unix.NFTA_SET_ELEM_LIST_ELEMENTS))
		for _, element := range list.all {
			all = append(all, string(element))
		}
	}
	slices.Sort(all) // the kernel tells them in any order
	digest := sha256.Sum256([]byte(strings.Join(all, "\n")))
	return Mark{len(all), string(digest[:])}, nil
}

// attribute narrows a question.
type attribute struct {
	kind  int
	value string
}

// ask asks nftables' netlink family. The kernel's ENOENT says that there is no such thing.
func (n netlink) ask(question, flags int, about ...attribute) ([]answer, error) {
	request := nl.NewNetlinkRequest(unix.NFNL_SUBSYS_NFTABLES<<8|question, flags)
	request.AddData(&nl.Nfgenmsg{NfgenFamily: n.family})
	for _, a := range about {
		request.AddData(nl.NewRtAttr(a.kind, nl.ZeroTerminated(a.value)))
	}
	messages, err := request.Execute(unix.NETLINK_NETFILTER, 0)
	if err != nil {
		return nil, err
	}
	answers := make([]answer, len(messages))
	for i, message := range messages {
		answers[i] = answer(message[nl.SizeofNfgenmsg:])
	}
	return answers, nil
}

// answer are the attributes of one thing, as the kernel encodes them. There may be tens of thousands of answers, so they are
// not decoded further than needed.
type answer []byte

// all goes through the attributes.
func (a answer) all(yield func(kind int, value []byte) bool) {
	for len(a) >= unix.SizeofNlAttr {
		size, kind := int(nl.NativeEndian().Uint16(a)), int(nl.NativeEndian().Uint16(a[2:])&nl.NLA_TYPE_MASK)
		if size < unix.SizeofNlAttr || size > len(a) || !yield(kind, a[unix.SizeofNlAttr:size]) {
			return
		}
		a = a[min((size+unix.NLA_ALIGNTO-1)&^(unix.NLA_ALIGNTO-1), len(a)):]
	}
}

// value is that of one attribute; nil if there is none.
func (a answer) value(of int) []byte {
	for kind, value := range a.all {
		if kind == of {
			return value
		}
	}
	return nil
}

func (a answer) text(of int) string { return strings.TrimRight(string(a.value(of)), "\x00") }

func (a answer) number(of int) uint32 {
	if value := a.value(of); len(value) == 4 {
		return binary.BigEndian.Uint32(value)
	}
	return 0
}
