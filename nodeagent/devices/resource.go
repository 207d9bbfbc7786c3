package devices

import (
	"maps"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	pluginapi "k8s.io/kubelet/pkg/apis/deviceplugin/v1beta1"
)

// stopGracePeriod is how long a node has capacity for devices whose last plugin is gone; the kubelet's figure.
const stopGracePeriod = 5 * time.Minute

// offer is what is known of one resource.
type offer struct {
	// plugins are those that offer it, the one that came last first: that one is asked.
	plugins []*plugin
	// devices are as they were told last.
	devices map[string]Device
	// gone is when the last plugin went; the zero time while there is one.
	gone time.Time
	// turn is held by who chooses and is given devices of it.
	turn chan struct{}
}

func newOffer(gone time.Time) *offer {
	return &offer{devices: map[string]Device{}, gone: gone, turn: make(chan struct{}, 1)}
}

// healthy are the devices that can be given: none without a plugin.
func (o *offer) healthy() map[string]Device {
	healthy := map[string]Device{}
	for id, d := range o.devices {
		if d.Healthy && len(o.plugins) > 0 {
			healthy[id] = d
		}
	}
	return healthy
}

// plugin is the one that is asked; nil if there is none.
func (o *offer) plugin() *plugin {
	if len(o.plugins) == 0 {
		return nil
	}
	return o.plugins[0]
}

// drop says that a plugin is gone.
func (o *offer) drop(p *plugin, now time.Time) {
	o.plugins = slices.DeleteFunc(o.plugins, func(other *plugin) bool { return other == p })
	if len(o.plugins) == 0 {
		o.gone = now
	}
}

// told are devices as a plugin tells them.
func told(list []*pluginapi.Device) map[string]Device {
	devices := map[string]Device{}
	for _, d := range list {
		device := Device{Healthy: d.GetHealth() == pluginapi.Healthy}
		for _, node := range d.GetTopology().GetNodes() {
			device.NUMA = append(device.NUMA, node.GetID())
		}
		devices[d.GetID()] = device
	}
	return devices
}

// changed are the IDs of the devices whose health is not what it was, or that were not there before.
func changed(before, now map[string]Device) (ids []string) {
	for id, d := range now {
		if was, known := before[id]; !known || was.Healthy != d.Healthy {
			ids = append(ids, id)
		}
	}
	return ids
}

// Amounts are what the node has of the resources of plugins, and what of that can be given to pods. A resource whose plugins are gone for
// five minutes is told as 0 from then on, as the kubelet does: so the node's status tells it from one that nobody ever had.
func (m *Manager) Amounts() (capacity, allocatable corev1.ResourceList) {
	m.mu.Lock()
	defer m.mu.Unlock()
	capacity, allocatable = corev1.ResourceList{}, corev1.ResourceList{}
	for name, o := range m.offers {
		has := len(o.devices)
		if !o.gone.IsZero() && m.Clock.Since(o.gone) > stopGracePeriod {
			has = 0
		}
		capacity[corev1.ResourceName(name)] = *resource.NewQuantity(int64(has), resource.DecimalSI)
		allocatable[corev1.ResourceName(name)] = *resource.NewQuantity(int64(len(o.healthy())), resource.DecimalSI)
	}
	return capacity, allocatable
}

// Offered are the healthy devices, by resource and ID.
func (m *Manager) Offered() map[string]map[string]Device {
	m.mu.Lock()
	defer m.mu.Unlock()
	offered := map[string]map[string]Device{}
	for name, o := range m.offers {
		offered[name] = maps.Clone(o.healthy())
	}
	return offered
}
