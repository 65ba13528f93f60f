using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace OrleansEdge.Relay.Transport;

/// <summary>Section <c>Edge</c>: whom the edge believes about a client's address.</summary>
public sealed class ClientAddressOptions
{
    /// <summary><c>off</c> (default), or <c>required</c>: every connection to the endpoints Edge and EdgeTls must begin with a PROXY
    /// protocol header (version 1 or 2) and come from one of <see cref="TrustedProxies"/>.</summary>
    public string ProxyProtocol { get; set; } = "off";

    /// <summary>Addresses and networks (<c>10.0.0.5</c>, <c>10.0.0.0/8</c>, <c>fd00::/8</c>) of the proxies in front: their PROXY
    /// headers and their <c>X-Forwarded-*</c> and <c>Forwarded</c> fields are believed. Default: none. In one setting they are
    /// separated by commas.</summary>
    public IList<string> TrustedProxies { get; set; } = [];

    /// <summary>Whether <see cref="ProxyProtocol"/> is <c>required</c>.</summary>
    public bool RequiresProxyProtocol => string.Equals(ProxyProtocol, "required", StringComparison.OrdinalIgnoreCase);

    internal static void AddTo(IServiceCollection services, IConfiguration configuration)
    {
        services.AddOptions<ClientAddressOptions>().Configure(options => options.Read(configuration.GetSection("Edge"))).ValidateOnStart();
        services.AddSingleton<IValidateOptions<ClientAddressOptions>, Validator>();
    }

    private void Read(IConfiguration section)
    {
        ProxyProtocol = section["ProxyProtocol"] ?? ProxyProtocol;
        var list = section.GetSection("TrustedProxies");
        TrustedProxies = list.Value is { } joined
            ? joined.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            : [.. list.GetChildren().Select(item => item.Value ?? "")];
    }

    private sealed class Validator : IValidateOptions<ClientAddressOptions>
    {
        public ValidateOptionsResult Validate(string? name, ClientAddressOptions options)
        {
            var faults = new List<string>();
            if (!options.RequiresProxyProtocol && !string.Equals(options.ProxyProtocol, "off", StringComparison.OrdinalIgnoreCase))
            {
                faults.Add($"Edge:ProxyProtocol is '{options.ProxyProtocol}' and can be 'off' or 'required'.");
            }

            if (options.RequiresProxyProtocol && options.TrustedProxies.Count == 0)
            {
                faults.Add("Edge:ProxyProtocol is 'required', and Edge:TrustedProxies names no proxy that it may come from.");
            }

            faults.AddRange(options.TrustedProxies
                .Where(item => !Transport.TrustedProxies.TryParse(item, out _))
                .Select(item => $"Edge:TrustedProxies holds '{item}', which is neither an IP address nor a network such as 10.0.0.0/8."));
            return faults.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(faults);
        }
    }
}
