package proxy

import (
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/orrery-dev/orrery/apis"
	"github.com/orrery-dev/orrery/network/nft"
)

// BenchmarkKernel is what passes cost with 5,000 services of two endpoints each, on the kernel itself.
func BenchmarkKernel(b *testing.B) {
	needsKernel(b)
	for _, each := range []struct {
		name   string
		happen func(b *testing.B, c *cluster)
	}{
		{"everything is written", func(b *testing.B, _ *cluster) { runNft(b, "delete table inet "+TableName("test")) }},
		{"nothing has changed", func(*testing.B, *cluster) {}},
		{"another table has changed", func(b *testing.B, _ *cluster) { runNft(b, "add table ip other") }},
		{"an endpoint has come or gone", func(_ *testing.B, c *cluster) {
			endpoints := &c.Slices[7].Endpoints
			*endpoints = (*endpoints)[:3-len(*endpoints)]
		}},
	} {
		b.Run(each.name, func(b *testing.B) {
			newHost(b, apis.Kubernetes) // each benchmark has a goroutine, and so a network namespace, of its own
			c := manyServices()
			table, err := nft.New(family, TableName("test"))
			if err != nil {
				b.Fatal(err)
			}
			p := newProxy(c.Options, c, table, &flowTable{})
			p.settle(b)
			for b.Loop() {
				each.happen(b, c)
				if err := p.Sync(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func manyServices() *cluster {
	c := &cluster{World: worldOf()}
	for i := range 5000 {
		name, address := fmt.Sprintf("web-%d", i), fmt.Sprintf("%d.%d", i/250, 1+i%250)
		c.Services = append(c.Services, service(func(s *corev1.Service) { s.Name, s.Spec.ClusterIP, s.Spec.ClusterIPs = name, "10.96."+address, nil }))
		c.Slices = append(c.Slices, of(name, slice(at("10.84."+address, "here"), at("10.85."+address, "there"))))
	}
	return c
}
