package podresources

import (
	"maps"
	"slices"

	podresourcesv1 "k8s.io/kubelet/pkg/apis/podresources/v1"

	"github.com/orrery-dev/orrery/nodeagent/claims"
	"github.com/orrery-dev/orrery/nodeagent/memory"
)

// deviceList are devices by resource and ID, each with the NUMA nodes that it is near to, in the order of both: one entry for each node,
// or one without.
func deviceList(all map[string]map[string][]int64) []*podresourcesv1.ContainerDevices {
	var list []*podresourcesv1.ContainerDevices
	for _, resource := range slices.Sorted(maps.Keys(all)) {
		for _, id := range slices.Sorted(maps.Keys(all[resource])) {
			nodes := all[resource][id]
			if len(nodes) == 0 {
				list = append(list, &podresourcesv1.ContainerDevices{ResourceName: resource, DeviceIds: []string{id}})
			}
			for _, node := range nodes {
				list = append(list, &podresourcesv1.ContainerDevices{
					ResourceName: resource, DeviceIds: []string{id},
					Topology: &podresourcesv1.TopologyInfo{Nodes: []*podresourcesv1.NUMANode{{ID: node}}},
				})
			}
		}
	}
	return list
}

// numbers are those of CPUs.
func numbers(ids []int) []int64 {
	list := make([]int64, 0, len(ids))
	for _, id := range ids {
		list = append(list, int64(id))
	}
	return list
}

// memoryList are blocks of memory, each with its nodes.
func memoryList(blocks []memory.Block) []*podresourcesv1.ContainerMemory {
	var list []*podresourcesv1.ContainerMemory
	for _, b := range blocks {
		of := &podresourcesv1.ContainerMemory{MemoryType: string(b.Type), Size: uint64(b.Size), Topology: &podresourcesv1.TopologyInfo{}}
		for _, id := range b.Nodes {
			of.Topology.Nodes = append(of.Topology.Nodes, &podresourcesv1.NUMANode{ID: int64(id)})
		}
		list = append(list, of)
	}
	return list
}

// claimList are claims, each with its devices in the order of their drivers.
func claimList(all []claims.Claim) []*podresourcesv1.DynamicResource {
	var list []*podresourcesv1.DynamicResource
	for _, c := range all {
		of := &podresourcesv1.DynamicResource{ClaimName: c.Name, ClaimNamespace: c.Namespace}
		for _, driver := range slices.Sorted(maps.Keys(c.Devices)) {
			for _, d := range c.Devices[driver] {
				device := &podresourcesv1.ClaimResource{DriverName: driver, PoolName: d.Pool, DeviceName: d.Name, ShareId: d.Share}
				for _, id := range d.CDI {
					device.CdiDevices = append(device.CdiDevices, &podresourcesv1.CDIDevice{Name: id})
				}
				of.ClaimResources = append(of.ClaimResources, device)
			}
		}
		list = append(list, of)
	}
	return list
}
