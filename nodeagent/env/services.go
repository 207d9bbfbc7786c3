package env

import (
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// Services are the variables about services that a pod gets: always those of the API server's own service, and those of
// its namespace unless it opted out (enableServiceLinks: false). The names follow Docker's links.
func Services(pod *corev1.Pod, services []*corev1.Service) []Var {
	links := pod.Spec.EnableServiceLinks == nil || *pod.Spec.EnableServiceLinks
	chosen := map[string]*corev1.Service{}
	for _, service := range services {
		if service.Spec.ClusterIP == "" || service.Spec.ClusterIP == corev1.ClusterIPNone || len(service.Spec.Ports) == 0 {
			continue
		}
		master := service.Namespace == corev1.NamespaceDefault && service.Name == "kubernetes"
		own := links && service.Namespace == pod.Namespace
		if own || master && chosen[service.Name] == nil {
			chosen[service.Name] = service
		}
	}
	names := make([]string, 0, len(chosen))
	for name := range chosen {
		names = append(names, name)
	}
	slices.Sort(names)
	var vars []Var
	for _, name := range names {
		vars = append(vars, about(chosen[name])...)
	}
	return vars
}

func about(service *corev1.Service) []Var {
	prefix, ip, ports := upper(service.Name), service.Spec.ClusterIP, service.Spec.Ports
	vars := []Var{
		{prefix + "_SERVICE_HOST", ip},
		{prefix + "_SERVICE_PORT", number(ports[0].Port)},
	}
	for _, port := range ports {
		if port.Name != "" {
			vars = append(vars, Var{prefix + "_SERVICE_PORT_" + upper(port.Name), number(port.Port)})
		}
	}
	for i, port := range ports {
		protocol := string(corev1.ProtocolTCP)
		if port.Protocol != "" {
			protocol = string(port.Protocol)
		}
		url := strings.ToLower(protocol) + "://" + net.JoinHostPort(ip, number(port.Port))
		if i == 0 {
			vars = append(vars, Var{prefix + "_PORT", url})
		}
		link := fmt.Sprintf("%s_PORT_%d_%s", prefix, port.Port, strings.ToUpper(protocol))
		vars = append(vars, Var{link, url}, Var{link + "_PROTO", strings.ToLower(protocol)},
			Var{link + "_PORT", number(port.Port)}, Var{link + "_ADDR", ip})
	}
	return vars
}

func upper(name string) string { return strings.ToUpper(strings.ReplaceAll(name, "-", "_")) }

func number(port int32) string { return strconv.Itoa(int(port)) }
