using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace OrleansEdge.Relay.Transport;

/// <summary>Section <c>Edge:Certificates</c>: the certificates of the endpoint EdgeTls.</summary>
public sealed class CertificateOptions
{
    /// <summary>Directory of <c>NAME.crt</c>/<c>NAME.key</c> pairs (PEM). Default: none, so that only a certificate given to the
    /// endpoint in Kestrel's own way is served.</summary>
    public string? Directory { get; set; }

    /// <summary>How often the directory is looked at, beside being watched: 0.1 s to 1 h, default 5 s.</summary>
    public TimeSpan RescanInterval { get; set; } = TimeSpan.FromSeconds(5);

    internal static void AddTo(IServiceCollection services, IConfiguration configuration)
    {
        services.AddOptions<CertificateOptions>().Configure(options => options.Read(configuration.GetSection("Edge:Certificates"))).ValidateOnStart();
        services.AddSingleton<IValidateOptions<CertificateOptions>, Validator>();
    }

    private void Read(IConfiguration section)
    {
        Directory = string.IsNullOrWhiteSpace(section["Directory"]) ? Directory : section["Directory"];
        RescanInterval = section["RescanInterval"] is { } text
            ? TimeSpan.TryParse(text, out var interval) ? interval : TimeSpan.Zero
            : RescanInterval;
    }

    private sealed class Validator : IValidateOptions<CertificateOptions>
    {
        public ValidateOptionsResult Validate(string? name, CertificateOptions options) =>
            options.RescanInterval < TimeSpan.FromMilliseconds(100) || options.RescanInterval > TimeSpan.FromHours(1)
                ? ValidateOptionsResult.Fail("Edge:Certificates:RescanInterval must be a time from 00:00:00.1 to 01:00:00.")
                : ValidateOptionsResult.Success;
    }
}
