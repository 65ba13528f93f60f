using System.Text;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using OrleansEdge.Hosting.Settings;
using OrleansEdge.Hosting.Telemetry;

namespace OrleansEdge.Hosting.Startup;

/// <summary>What a start prints, in lines: the version, where the process listens, and what the executable adds. Not thread safe.</summary>
public sealed class StartReport
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    private readonly StringBuilder _text = new();

    /// <summary>Begins with version and endpoints; the server must listen.</summary>
    /// <param name="services">Of the application.</param>
    /// <param name="order">Names of the endpoints in the order in which they are printed, each with the word for it.</param>
    public StartReport(IServiceProvider services, params IReadOnlyList<(string Name, string Word)> order)
    {
        ArgumentNullException.ThrowIfNull(services);
        Endpoints = Find(services);
        _text.AppendLine($"OrleansEdge {TelemetryService.Version}");
        foreach (var (name, word) in order.Where(endpoint => Endpoints.ContainsKey(endpoint.Name)))
        {
            Add(word, Endpoints[name]);
        }
    }

    /// <summary>Address of each endpoint, by its name.</summary>
    public IReadOnlyDictionary<string, string> Endpoints { get; }

    /// <summary>Adds a line of the list.</summary>
    public StartReport Add(string name, string value) => AddLine($"  {name,-8} {value}");

    /// <summary>Adds a line as it is.</summary>
    public StartReport AddLine(string line)
    {
        _text.AppendLine(line);
        return this;
    }

    /// <summary>Prints to standard output. A reader that is slow or gone holds nothing up.</summary>
    public async Task PrintAsync()
    {
        var text = Encoding.UTF8.GetBytes(_text.ToString());
        var printing = Task.Run(() =>
        {
            using var output = Console.OpenStandardOutput();
            output.Write(text);
        });
        await Task.WhenAny(printing, Task.Delay(Patience));
    }

    /// <summary>Kestrel binds the endpoints, and lists their addresses, in the order of their names.</summary>
    private static Dictionary<string, string> Find(IServiceProvider services)
    {
        var urls = services.GetRequiredService<IServer>().Features.GetRequiredFeature<IServerAddressesFeature>().Addresses;
        var names = EndpointSettings.Names(services.GetRequiredService<IConfiguration>());
        return names.Zip(urls).ToDictionary(pair => pair.First, pair => pair.Second, StringComparer.OrdinalIgnoreCase);
    }
}
