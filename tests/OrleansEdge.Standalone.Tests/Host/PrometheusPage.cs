using System.Globalization;
using System.Text.RegularExpressions;

namespace OrleansEdge.Standalone.Tests.Host;

/// <summary>Prometheus text format 0.0.4, read strictly: one block per name with its type first, no sample twice, histograms whole.</summary>
internal sealed partial class PrometheusPage
{
    private readonly Dictionary<string, double> _samples = new(StringComparer.Ordinal);

    private PrometheusPage()
    {
    }

    public Dictionary<string, string> Types { get; } = new(StringComparer.Ordinal);

    /// <summary>A sample by its name and labels as written.</summary>
    public double this[string sample] => _samples.TryGetValue(sample, out var value)
        ? value
        : throw new KeyNotFoundException($"{sample} is not among\n{string.Join('\n', _samples.Keys)}");

    public IEnumerable<string> Samples => _samples.Keys;

    public static PrometheusPage Parse(string text)
    {
        var page = new PrometheusPage();
        var family = "";
        Assert.EndsWith("\n", text, StringComparison.Ordinal);
        foreach (var line in text[..^1].Split('\n'))
        {
            if (Help().Match(line) is { Success: true })
            {
                continue;
            }

            if (Type().Match(line) is { Success: true } type)
            {
                family = type.Groups["name"].Value;
                Assert.True(page.Types.TryAdd(family, type.Groups["type"].Value), $"{family} comes twice");
                continue;
            }

            page.AddSample(line, family);
        }

        page.CheckHistograms();
        return page;
    }

    private void AddSample(string line, string family)
    {
        var sample = Sample().Match(line);
        Assert.True(sample.Success, $"not a sample: {line}");
        var name = sample.Groups["name"].Value;
        var suffixes = Types[family] == "histogram" ? (string[])["_bucket", "_sum", "_count"] : [""];
        Assert.Contains(name, suffixes.Select(suffix => family + suffix));
        Assert.True(Types[family] != "counter" || name.EndsWith("_total", StringComparison.Ordinal), $"{name} is a counter");
        var value = sample.Groups["value"].Value switch
        {
            "+Inf" => double.PositiveInfinity,
            "-Inf" => double.NegativeInfinity,
            var number => double.Parse(number, CultureInfo.InvariantCulture),
        };
        Assert.True(_samples.TryAdd(name + sample.Groups["labels"].Value, value), $"{line} comes twice");
    }

    private void CheckHistograms()
    {
        foreach (var (sample, value) in _samples)
        {
            if (sample.Contains("le=\"+Inf\"", StringComparison.Ordinal))
            {
                var labels = sample[(sample.IndexOf('{', StringComparison.Ordinal) + 1)..^1].Replace("le=\"+Inf\"", "", StringComparison.Ordinal).TrimEnd(',');
                var name = sample[..sample.IndexOf("_bucket{", StringComparison.Ordinal)];
                Assert.Equal(value, this[$"{name}_count{(labels.Length == 0 ? "" : $"{{{labels}}}")}"]);
            }
        }
    }

    [GeneratedRegex("^# HELP [a-zA-Z_:][a-zA-Z0-9_:]* ([^\\\\]|\\\\\\\\|\\\\n)*$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Help();

    [GeneratedRegex("^# TYPE (?<name>[a-zA-Z_:][a-zA-Z0-9_:]*) (?<type>counter|gauge|histogram)$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Type();

    [GeneratedRegex("^(?<name>[a-zA-Z_:][a-zA-Z0-9_:]*)(?<labels>\\{[a-zA-Z_][a-zA-Z0-9_]*=\"([^\"\\\\]|\\\\\\\\|\\\\\"|\\\\n)*\"(,[a-zA-Z_][a-zA-Z0-9_]*=\"([^\"\\\\]|\\\\\\\\|\\\\\"|\\\\n)*\")*\\})? (?<value>[-+0-9.eE]+|[+-]Inf|NaN)$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Sample();
}
