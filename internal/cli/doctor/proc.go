package doctor

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// What Linux tells as text, read without looking at the machine.

// fieldOf is a number of a file of lines like "CapEff:	000001ffffffffff" or "MemTotal:  24689764 kB".
func fieldOf(text, name string, base int) (uint64, error) {
	for line := range strings.Lines(text) {
		value, found := strings.CutPrefix(line, name+":")
		if !found {
			continue
		}
		fields := strings.Fields(value)
		if len(fields) == 0 {
			return 0, fmt.Errorf("reading %s: it is empty", name)
		}
		return strconv.ParseUint(fields[0], base, 64)
	}
	return 0, fmt.Errorf("reading %s: there is no such line", name)
}

// parseDistribution reads /etc/os-release.
func parseDistribution(text string) string {
	for line := range strings.Lines(text) {
		if id, found := strings.CutPrefix(strings.TrimSpace(line), "ID="); found {
			return strings.Trim(id, `"'`)
		}
	}
	return ""
}

// mount is a line of /proc/self/mountinfo.
type mount struct{ point, filesystem, options string }

func parseMounts(text string) []mount {
	var mounts []mount
	for line := range strings.Lines(text) {
		before, after, found := strings.Cut(line, " - ")
		first, last := strings.Fields(before), strings.Fields(after)
		if found && len(first) > 4 && len(last) > 2 {
			mounts = append(mounts, mount{unescape(first[4]), last[0], last[2]})
		}
	}
	return mounts
}

// unescape undoes how the kernel spells blanks in paths.
func unescape(path string) string {
	return strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(path)
}

// cgroupsOf are the hierarchies among mounts: where that of version 2 is, and the controllers of those of version 1.
func cgroupsOf(mounts []mount) (c Cgroups, v2 string) {
	known := []string{"cpu", "cpuset", "memory", "pids", "blkio", "devices", "freezer", "hugetlb"}
	for _, m := range mounts {
		switch m.filesystem {
		case "cgroup2":
			c.V2, v2 = true, m.point
		case "cgroup":
			for option := range strings.SplitSeq(m.options, ",") {
				if slices.Contains(known, option) && !slices.Contains(c.Controllers, option) {
					c.V1 = true
					c.Controllers = append(c.Controllers, option)
				}
			}
		}
	}
	return c, v2
}

// parseRoutes reads /proc/net/route.
func parseRoutes(text string) ([]Route, error) {
	var routes []Route
	scanner := bufio.NewScanner(strings.NewReader(text))
	scanner.Scan() // the headings
	for scanner.Scan() {
		fields := strings.Fields(scanner.Text())
		if len(fields) < 8 {
			continue
		}
		to, err := hexAddress(fields[1])
		if err != nil {
			return nil, err
		}
		mask, err := hexAddress(fields[7])
		if err != nil {
			return nil, err
		}
		bits := 0
		for _, b := range mask.As4() {
			for ; b&0x80 != 0; b <<= 1 {
				bits++
			}
		}
		routes = append(routes, Route{netip.PrefixFrom(to, bits), fields[0]})
	}
	return routes, nil
}

// hexAddress reads an IPv4 address that the kernel has written as a number of this machine, which has its bytes in reverse.
func hexAddress(text string) (netip.Addr, error) {
	b, err := hex.DecodeString(text)
	if err != nil || len(b) != 4 {
		return netip.Addr{}, fmt.Errorf("reading the address %q of a route: it is no number of 8 digits", text)
	}
	return netip.AddrFrom4([4]byte{b[3], b[2], b[1], b[0]}), nil
}

// parseResolvers reads /etc/resolv.conf.
func parseResolvers(text string) []netip.Addr {
	var resolvers []netip.Addr
	for line := range strings.Lines(text) {
		if fields := strings.Fields(line); len(fields) > 1 && fields[0] == "nameserver" {
			if address, err := netip.ParseAddr(fields[1]); err == nil {
				resolvers = append(resolvers, address)
			}
		}
	}
	return resolvers
}

// listening is the state of a socket that waits for connections.
const listening = "0A"

// parseListeners reads /proc/net/tcp: the inodes of the sockets that listen, by port.
func parseListeners(text string) map[int]string {
	inodes := map[int]string{}
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) < 10 || fields[3] != listening {
			continue
		}
		_, digits, _ := strings.Cut(fields[1], ":")
		if port, err := strconv.ParseUint(digits, 16, 16); err == nil {
			inodes[int(port)] = fields[9]
		}
	}
	return inodes
}

// parseThreads reads from /proc/loadavg how many processes and threads there are.
func parseThreads(text string) (int, error) {
	fields := strings.Fields(text)
	if len(fields) < 4 {
		return 0, fmt.Errorf("reading /proc/loadavg: %q has no fourth word", text)
	}
	_, all, _ := strings.Cut(fields[3], "/")
	return strconv.Atoi(all)
}

// parseNftVersion reads what nft --version says: "nftables v1.0.6 (Lester Gooch #5)".
func parseNftVersion(text string) string {
	for _, word := range strings.Fields(text) {
		if version, found := strings.CutPrefix(word, "v"); found {
			return version
		}
	}
	return ""
}

// parseChains reads what nft -j list chains says: the tables, and the chains that drop what they forward.
func parseChains(text []byte) (tables []Table, refusing []string, err error) {
	var told struct {
		Nftables []struct {
			Chain *struct{ Family, Table, Name, Hook, Policy string }
		}
	}
	if err := json.Unmarshal(text, &told); err != nil {
		return nil, nil, fmt.Errorf("reading the chains of nftables: %w", err)
	}
	for _, entry := range told.Nftables {
		chain := entry.Chain
		if chain == nil {
			continue
		}
		if table := (Table{chain.Family, chain.Table}); !slices.Contains(tables, table) {
			tables = append(tables, table)
		}
		if chain.Hook == "forward" && chain.Policy == "drop" && chain.Family != "ip6" {
			refusing = append(refusing, strings.Join([]string{chain.Family, chain.Table, chain.Name}, " "))
		}
	}
	return tables, refusing, nil
}
