using System.Diagnostics;

namespace OrleansEdge.Compare.Proxies;

/// <summary>HAProxy with one thread.</summary>
internal sealed class HAProxy : Proxy
{
    public override string Name => "HAProxy";

    public override string? Version => FirstLineOf("haproxy", "-v");

    protected override ProcessStartInfo CommandIn(string folder, int port, int originPort)
    {
        var config = Write(folder, "haproxy.cfg", $"""
            global
              nbthread 1
              maxconn {(Descriptors / 2) - 100}
              log stdout format raw local0
            defaults
              mode http
              log global
              option httplog
              timeout connect 5s
              timeout client 60s
              timeout server 60s
              timeout tunnel 300s
            frontend f
              bind 127.0.0.1:{port} backlog 4096
              option forwardfor
              default_backend app
            backend app
              server s 127.0.0.1:{originPort}

            """);
        return Command(folder, "haproxy", "-db", "-q", "-f", config);
    }
}
