package nodeinfo

import (
	"maps"

	corev1 "k8s.io/api/core/v1"
	fwk "k8s.io/kube-scheduler/framework"
)

// HostPorts returns the ports of the host that a pod occupies for as long as it runs: those of its containers and its
// sidecars, but not of init containers, which end.
func HostPorts(pod *corev1.Pod) []corev1.ContainerPort {
	var ports []corev1.ContainerPort
	add := func(container *corev1.Container) {
		for _, port := range container.Ports {
			if port.HostPort > 0 {
				ports = append(ports, port)
			}
		}
	}
	for i := range pod.Spec.InitContainers {
		container := &pod.Spec.InitContainers[i]
		if container.RestartPolicy != nil && *container.RestartPolicy == corev1.ContainerRestartPolicyAlways {
			add(container)
		}
	}
	for i := range pod.Spec.Containers {
		add(&pod.Spec.Containers[i])
	}
	return ports
}

// portUse counts who uses which host port. The plain set that plugins read would lose a port that two pods hold (which
// happens when pods are assigned by hand) as soon as one of them went away.
type portUse struct {
	used  fwk.HostPortInfo
	users map[hostPort]int
}

type hostPort struct {
	ip       string
	protocol corev1.Protocol
	port     int32
}

func (u *portUse) count(port corev1.ContainerPort, sign int) {
	key := hostPort{ip: port.HostIP, protocol: port.Protocol, port: port.HostPort}
	if key.ip == "" {
		key.ip = fwk.DefaultBindAllHostIP
	}
	if key.protocol == "" {
		key.protocol = corev1.ProtocolTCP
	}
	if u.users == nil {
		u.used, u.users = fwk.HostPortInfo{}, map[hostPort]int{}
	}
	u.users[key] += sign
	if u.users[key] > 0 {
		u.used.Add(key.ip, string(key.protocol), key.port)
		return
	}
	delete(u.users, key)
	u.used.Remove(key.ip, string(key.protocol), key.port)
}

func (u portUse) clone() portUse {
	if len(u.users) == 0 {
		return portUse{}
	}
	used := make(fwk.HostPortInfo, len(u.used))
	for ip, ports := range u.used {
		used[ip] = maps.Clone(ports)
	}
	return portUse{used: used, users: maps.Clone(u.users)}
}
