using OrleansEdge.Model;

namespace OrleansEdge.Relay.Origins;

/// <summary>One origin as one request dials it. Immutable; equal targets may share connections.</summary>
/// <param name="Origin">The origin in the document.</param>
/// <param name="Address">Its address, lower case, IPv6 without brackets.</param>
/// <param name="Port">The port for the protocol.</param>
/// <param name="TlsName">Name for SNI and certificate; <see langword="null"/>: plain TCP.</param>
/// <param name="VerifyCertificate">Whether the certificate must be valid for it.</param>
internal sealed record OriginTarget(OriginConfig Origin, string Address, int Port, string? TlsName, bool VerifyCertificate)
{
    /// <summary><c>address:port</c> for people.</summary>
    public string Display => Address.Contains(':', StringComparison.Ordinal) ? $"[{Address}]:{Port}" : $"{Address}:{Port}";

    /// <summary>The target of a domain's origin for a request.</summary>
    /// <param name="domain">The domain.</param>
    /// <param name="origin">One of its origins.</param>
    /// <param name="clientUsesTls">Scheme of the client's request, for <see cref="OriginProtocol.Follow"/>.</param>
    /// <param name="host">Host that the client asked for, with or without a port.</param>
    public static OriginTarget For(DomainConfig domain, OriginConfig origin, bool clientUsesTls, string host)
    {
        var address = origin.Address.Trim('[', ']').ToLowerInvariant();
        var usesTls = domain.WebSocket.OriginProtocol switch
        {
            OriginProtocol.Http => false,
            OriginProtocol.Https => true,
            _ => clientUsesTls,
        };
        if (!usesTls)
        {
            return new OriginTarget(origin, address, origin.HttpPort, null, true);
        }
        var name = domain.OriginTls.ServerName ?? RequestTarget.HostOf(domain.HostHeader ?? host).TrimEnd('.');
        return new OriginTarget(origin, address, origin.HttpsPort, name.Length == 0 ? address : name, domain.OriginTls.Verify);
    }
}
