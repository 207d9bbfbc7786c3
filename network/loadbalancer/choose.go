package loadbalancer

import (
	"fmt"
	"net/netip"
	"strings"

	"k8s.io/apimachinery/pkg/types"
)

// choose is the address of a pool that a Service is to have, beside what others have: the one that it asks for; else the one that it has;
// else one that it may share; else the first that is free.
func choose(pool Pool, mine claim, others []claim) (netip.Addr, error) {
	holders := map[netip.Addr][]claim{}
	for _, other := range others {
		if other.uid != mine.uid && other.has.IsValid() {
			holders[other.has] = append(holders[other.has], other)
		}
	}
	if len(mine.wants) > 0 {
		return chooseWanted(pool, mine, holders)
	}
	if pool.Contains(mine.has) && inTheWay(mine, holders[mine.has]) == nil {
		return mine.has, nil
	}
	if mine.key != "" {
		for ip := range pool.All() {
			if len(holders[ip]) > 0 && blocks(mine, holders[ip]) == nil {
				return ip, nil
			}
		}
	}
	for ip := range pool.All() {
		if len(holders[ip]) == 0 {
			return ip, nil
		}
	}
	return netip.Addr{}, fmt.Errorf("no address of the pool %s is free: all %d have been given to Services", pool, len(holders))
}

// chooseWanted is the address that a Service asks for.
func chooseWanted(pool Pool, mine claim, holders map[netip.Addr][]claim) (netip.Addr, error) {
	asked := strings.Join(mine.wants, ", ")
	if len(mine.wants) > 1 {
		return netip.Addr{}, fmt.Errorf("it asks for the addresses %s: want one of each IP family", asked)
	}
	ip, err := netip.ParseAddr(asked)
	if err != nil || !pool.Contains(ip) {
		return netip.Addr{}, fmt.Errorf("it asks for the address %s, which is not of the pool %s", asked, pool)
	}
	blocked := blocks
	if mine.has == ip {
		blocked = inTheWay
	}
	if other := blocked(mine, holders[ip]); other != nil {
		return netip.Addr{}, fmt.Errorf("it asks for the address %s, which Service %s has", asked, *other)
	}
	return ip, nil
}

// blocks is a holder with whom a Service may not share; nil if there is none.
func blocks(mine claim, holders []claim) *types.NamespacedName {
	for _, other := range holders {
		if !mine.shares(other) {
			return &other.service
		}
	}
	return nil
}

// inTheWay is a holder that a Service makes way for which has the same address: one that it may not share with, and that is older.
func inTheWay(mine claim, holders []claim) *types.NamespacedName {
	for _, other := range holders {
		if !mine.shares(other) && other.before(mine) {
			return &other.service
		}
	}
	return nil
}
