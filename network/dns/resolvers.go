package dns

import (
	"net/netip"
	"os"
	"slices"
	"strings"
)

const (
	hostResolvConf = "/etc/resolv.conf"
	// resolvedConf is where systemd-resolved says whom it asks itself. The other file names its stub then, which no pod can reach.
	resolvedConf = "/run/systemd/resolve/resolv.conf"
)

// stubs are the addresses of systemd-resolved.
var stubs = []string{"127.0.0.53", "127.0.0.54"}

// HostResolvConf is the file with the resolvers of this machine that are good for pods too.
func HostResolvConf() string { return chooseResolvConf(hostResolvConf, resolvedConf) }

func chooseResolvConf(usual, resolved string) string {
	servers := nameservers(usual)
	stub := func(server string) bool { return slices.Contains(stubs, server) }
	if len(servers) > 0 && !slices.ContainsFunc(servers, func(s string) bool { return !stub(s) }) && len(nameservers(resolved)) > 0 {
		return resolved
	}
	return usual
}

// upstreams are the resolvers of a file but for the cluster's own: who is asked by them must not ask them.
func upstreams(file string, own ...netip.Addr) []string {
	return slices.DeleteFunc(nameservers(file), func(server string) bool {
		address, err := netip.ParseAddr(server)
		return err != nil || slices.Contains(own, address.WithZone(""))
	})
}

// nameservers are those that a file names; none where it cannot be read.
func nameservers(file string) []string {
	content, err := os.ReadFile(file)
	if err != nil {
		return nil
	}
	var servers []string
	for line := range strings.Lines(string(content)) {
		if fields := strings.Fields(line); len(fields) > 1 && fields[0] == "nameserver" && !slices.Contains(servers, fields[1]) {
			servers = append(servers, fields[1])
		}
	}
	return servers
}
