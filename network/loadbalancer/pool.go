package loadbalancer

import (
	"fmt"
	"iter"
	"net/netip"
	"strings"

	"github.com/orrery-dev/orrery/network/ipfamily"
)

// Pool is ranges of addresses, in the order in which they are given out. The zero value has none.
type Pool struct {
	spans []span
	text  string
}

// span is the addresses from first to last.
type span struct{ first, last netip.Addr }

// ParsePool reads ranges with commas between them, each as in 192.168.1.240/28 or 192.168.1.240-192.168.1.250. Of a CIDR the
// first and the last address are left out, unless it has two at most: they are the network's own.
func ParsePool(text string) (Pool, error) {
	p := Pool{text: text}
	for _, part := range strings.Split(text, ",") {
		s, err := parseSpan(strings.TrimSpace(part))
		if err != nil {
			return Pool{}, err
		}
		p.spans = append(p.spans, s)
	}
	return p, nil
}

// PoolOf is the addresses of some ranges.
func PoolOf(ranges ...netip.Prefix) Pool {
	var p Pool
	texts := make([]string, len(ranges))
	for i, r := range ranges {
		p.spans, texts[i] = append(p.spans, spanOf(r)), r.String()
	}
	p.text = strings.Join(texts, ",")
	return p
}

// of is the part of the pool that is of a family.
func (p Pool) of(f ipfamily.Family) Pool {
	some := Pool{text: p.text}
	for _, s := range p.spans {
		if f.Has(s.first) {
			some.spans = append(some.spans, s)
		}
	}
	return some
}

func parseSpan(text string) (span, error) {
	if first, last, ok := strings.Cut(text, "-"); ok {
		from, err := netip.ParseAddr(strings.TrimSpace(first))
		to, err2 := netip.ParseAddr(strings.TrimSpace(last))
		if err == nil && err2 == nil && from.BitLen() == to.BitLen() && from.Compare(to) <= 0 {
			return span{from, to}, nil
		}
	} else if r, err := netip.ParsePrefix(text); err == nil {
		return spanOf(r), nil
	}
	return span{}, fmt.Errorf("%q is no range of addresses: want one such as 192.168.1.240/28, 192.168.1.240-192.168.1.250 or fd00:1::/120", text)
}

// spanOf is a range without the addresses that are the network's own.
func spanOf(r netip.Prefix) span {
	r = r.Masked()
	end := r.Addr().AsSlice()
	for i := r.Bits(); i < r.Addr().BitLen(); i++ {
		end[i/8] |= 0x80 >> (i % 8)
	}
	last, _ := netip.AddrFromSlice(end) // it is as long as the first one
	s := span{r.Addr(), last}
	if r.Bits() < r.Addr().BitLen()-1 {
		s.first, s.last = s.first.Next(), s.last.Prev()
	}
	return s
}

// Contains says whether an address is of the pool.
func (p Pool) Contains(ip netip.Addr) bool {
	for _, s := range p.spans {
		if s.first.Compare(ip) <= 0 && ip.Compare(s.last) <= 0 {
			return true
		}
	}
	return false
}

// All are the addresses of the pool.
func (p Pool) All() iter.Seq[netip.Addr] {
	return func(yield func(netip.Addr) bool) {
		for _, s := range p.spans {
			for ip := s.first; ip.IsValid() && ip.Compare(s.last) <= 0; ip = ip.Next() {
				if !yield(ip) {
					return
				}
			}
		}
	}
}

// String is how it was written.
func (p Pool) String() string { return p.text }
