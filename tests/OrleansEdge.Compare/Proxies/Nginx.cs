using System.Diagnostics;

namespace OrleansEdge.Compare.Proxies;

/// <summary>nginx with one worker. It relays WebSockets through the buffer of a proxied head, 4 KiB by default.</summary>
internal sealed class Nginx(bool hasLargeBuffers) : Proxy
{
    public override string Name => hasLargeBuffers ? "nginx, 64 KiB buffers" : "nginx";

    public override string? Version => FirstLineOf("nginx", "-v")?.Replace("nginx version: ", "", StringComparison.Ordinal);

    protected override ProcessStartInfo CommandIn(string folder, int port, int originPort)
    {
        var buffers = hasLargeBuffers ? "proxy_buffer_size 64k; proxy_buffers 8 64k; proxy_busy_buffers_size 128k;" : "";
        var config = Write(folder, "nginx.conf", $$"""
            daemon off; worker_processes 1; worker_rlimit_nofile {{Descriptors}};
            pid {{folder}}/nginx.pid; error_log {{folder}}/error.log error;
            events { worker_connections {{Descriptors}}; }
            http {
              access_log {{folder}}/access.log;
              client_body_temp_path {{folder}}/b; proxy_temp_path {{folder}}/p; fastcgi_temp_path {{folder}}/f; uwsgi_temp_path {{folder}}/u; scgi_temp_path {{folder}}/s;
              map $http_upgrade $connection_upgrade { default upgrade; '' ''; }
              upstream app { server 127.0.0.1:{{originPort}}; keepalive 64; }
              server {
                listen 127.0.0.1:{{port}} backlog=4096;
                location / {
                  proxy_pass http://app; proxy_http_version 1.1;
                  proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_upgrade;
                  proxy_set_header Host $host; proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
                  proxy_read_timeout 300s; proxy_send_timeout 300s; {{buffers}}
                }
              }
            }
            """);
        return Command(folder, "nginx", "-p", folder, "-e", $"{folder}/error.log", "-c", config);
    }
}
