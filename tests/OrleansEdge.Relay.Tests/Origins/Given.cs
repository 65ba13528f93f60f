using System.Net;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging.Abstractions;
using OrleansEdge.Model;
using OrleansEdge.Relay.Admission;
using OrleansEdge.Relay.Origins;

namespace OrleansEdge.Relay.Tests.Origins;

/// <summary>What the tests of the origin leg begin with.</summary>
internal static class Given
{
    public const string Key = "dGhlIHNhbXBsZSBub25jZQ==";

    /// <summary>The accept value of <see cref="Key"/>, from RFC 6455 section 1.3.</summary>
    public const string Accept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

    public const string LoopToken = "edge-under-test";

    public static readonly ForwardedHeaders Forwarded = new(LoopToken, _ => false);

    public static OriginConfig Origin(int port, string address = "127.0.0.1", int weight = 1)
        => new() { Address = address, HttpPort = port, HttpsPort = port, Weight = weight };

    public static DomainSnapshot Domain(params OriginConfig[] origins) => Domain(config => config, origins);

    public static DomainSnapshot Domain(Func<DomainConfig, DomainConfig> change, params OriginConfig[] origins)
        => new(change(new DomainConfig { Domain = "chat.example.com", Tenant = "acme", Origins = [.. origins] }), 1, tenantBlocked: false);

    public static OriginConnector Connector(
        TimeProvider? time = null, int seed = 1, OriginOptions? options = null, Func<string, Task<IPAddress[]>>? lookUp = null, X509ChainPolicy? chain = null)
    {
        time ??= TimeProvider.System;
        return new OriginConnector(
            options ?? new OriginOptions(), time, NullLogger<OriginConnector>.Instance, new Random(seed), new OriginResolver(time, lookUp), chain);
    }

    public static HandshakeRequest Handshake(bool isHttp2 = false)
        => new(Key, ["chat", "superchat"], ["permessage-deflate"], "chat.example.com", isHttp2, false, new IPEndPoint(IPAddress.Loopback, 1));

    public static DefaultHttpContext Request(params (string Name, string Value)[] fields) => Request("/live?room=1", fields);

    public static DefaultHttpContext Request(string target, params (string Name, string Value)[] fields)
    {
        var context = new DefaultHttpContext();
        context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget = target;
        context.Request.Protocol = "HTTP/1.1";
        context.Request.Scheme = "http";
        context.Request.Method = "GET";
        context.Connection.RemoteIpAddress = IPAddress.Parse("192.0.2.7");
        context.Request.Headers.Host = "chat.example.com";
        foreach (var (name, value) in fields)
        {
            context.Request.Headers.Append(name, value);
        }
        return context;
    }
}
