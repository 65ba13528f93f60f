using System.Globalization;
using System.Text;
using OpenTelemetry;
using OpenTelemetry.Metrics;

namespace OrleansEdge.Hosting.Telemetry;

/// <summary>Prometheus text format 0.0.4. Names follow the OpenTelemetry rules for Prometheus: dots become underscores, the unit
/// and, for counters, <c>total</c> are appended. Not thread safe.</summary>
internal sealed class PrometheusText
{
    private readonly SortedDictionary<string, StringBuilder> _families = new(StringComparer.Ordinal);

    public void Clear() => _families.Clear();

    public void Add(Metric metric)
    {
        var type = TypeOf(metric.MetricType);
        if (type is null)
        {
            return;
        }

        var name = Name(metric.Name, metric.Unit, type == "counter");
        if (!_families.TryGetValue(name, out var family))
        {
            _families[name] = family = new StringBuilder();
            family.Append(CultureInfo.InvariantCulture, $"# HELP {name} {EscapeHelp(metric.Description)}\n# TYPE {name} {type}\n");
        }

        foreach (ref readonly var point in metric.GetMetricPoints())
        {
            AddPoint(family, name, metric.MetricType, point);
        }
    }

    public byte[] ToUtf8()
    {
        var all = new StringBuilder();
        foreach (var family in _families.Values)
        {
            all.Append(family);
        }

        return Encoding.UTF8.GetBytes(all.ToString());
    }

    private static string? TypeOf(MetricType type) => type switch
    {
        MetricType.LongSum or MetricType.DoubleSum => "counter",
        MetricType.LongSumNonMonotonic or MetricType.DoubleSumNonMonotonic or MetricType.LongGauge or MetricType.DoubleGauge => "gauge",
        MetricType.Histogram => "histogram",
        _ => null,
    };

    private static void AddPoint(StringBuilder text, string name, MetricType type, in MetricPoint point)
    {
        var labels = Labels(point.Tags);
        switch (type)
        {
            case MetricType.Histogram:
                AddHistogram(text, name, labels, point);
                break;
            case MetricType.LongSum or MetricType.LongSumNonMonotonic:
                AddSample(text, name, labels, point.GetSumLong());
                break;
            case MetricType.DoubleSum or MetricType.DoubleSumNonMonotonic:
                AddSample(text, name, labels, point.GetSumDouble());
                break;
            case MetricType.LongGauge:
                AddSample(text, name, labels, point.GetGaugeLastValueLong());
                break;
            default:
                AddSample(text, name, labels, point.GetGaugeLastValueDouble());
                break;
        }
    }

    private static void AddHistogram(StringBuilder text, string name, string labels, in MetricPoint point)
    {
        long cumulative = 0;
        foreach (var bucket in point.GetHistogramBuckets())
        {
            cumulative += bucket.BucketCount;
            var bound = $"le=\"{Number(bucket.ExplicitBound)}\"";
            AddSample(text, name + "_bucket", labels.Length == 0 ? bound : $"{labels},{bound}", cumulative);
        }

        AddSample(text, name + "_sum", labels, point.GetHistogramSum());
        AddSample(text, name + "_count", labels, point.GetHistogramCount());
    }

    private static void AddSample(StringBuilder text, string name, string labels, double value)
    {
        text.Append(name);
        if (labels.Length > 0)
        {
            text.Append('{').Append(labels).Append('}');
        }

        text.Append(' ').Append(Number(value)).Append('\n');
    }

    /// <summary>Tags whose names become the same label are joined with <c>;</c>, as the OpenTelemetry rules say.</summary>
    private static string Labels(ReadOnlyTagCollection tags)
    {
        var labels = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var tag in tags)
        {
            var label = Identifier(tag.Key, allowColon: false);
            var value = Convert.ToString(tag.Value, CultureInfo.InvariantCulture) ?? "";
            labels[label] = labels.TryGetValue(label, out var other) ? $"{other};{value}" : value;
        }

        return string.Join(',', labels.Select(label => $"{label.Key}=\"{EscapeLabel(label.Value)}\""));
    }

    private static string Name(string name, string unit, bool isCounter)
    {
        var full = Identifier(name, allowColon: true);
        var suffix = UnitSuffix(unit);
        if (suffix.Length > 0 && !full.EndsWith("_" + suffix, StringComparison.Ordinal))
        {
            full += "_" + suffix;
        }

        return isCounter && !full.EndsWith("_total", StringComparison.Ordinal) ? full + "_total" : full;
    }

    private static string UnitSuffix(string unit) => unit switch
    {
        "s" => "seconds",
        "ms" => "milliseconds",
        "By" => "bytes",
        "1" or "" => "",
        _ when unit.StartsWith('{') => "",
        _ => Identifier(unit, allowColon: false).Trim('_'),
    };

    private static string Identifier(string name, bool allowColon)
    {
        var text = new StringBuilder(name.Length + 1);
        foreach (var character in name)
        {
            var isValid = char.IsAsciiLetterOrDigit(character) || (allowColon && character == ':');
            if (isValid)
            {
                text.Append(character);
            }
            else if (text.Length == 0 || text[^1] != '_')
            {
                text.Append('_');
            }
        }

        return text.Length == 0 || char.IsAsciiDigit(text[0]) ? "_" + text : text.ToString();
    }

    private static string EscapeHelp(string text)
        => text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);

    private static string EscapeLabel(string text) => EscapeHelp(text).Replace("\"", "\\\"", StringComparison.Ordinal);

    private static string Number(double value) => value switch
    {
        double.PositiveInfinity => "+Inf",
        double.NegativeInfinity => "-Inf",
        double.NaN => "NaN",
        _ => value.ToString("R", CultureInfo.InvariantCulture),
    };
}
