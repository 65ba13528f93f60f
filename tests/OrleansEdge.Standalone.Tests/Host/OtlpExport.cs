using System.Globalization;
using System.Text;
using Google.Protobuf;

namespace OrleansEdge.Standalone.Tests.Host;

/// <summary>One point of an instrument.</summary>
/// <param name="Tags"><c>key=value</c>, sorted, with commas.</param>
/// <param name="Value">The value of a sum or gauge, the sum of a histogram.</param>
/// <param name="Count">How many values a histogram has; otherwise 0.</param>
internal sealed record OtlpPoint(string Tags, double Value, long Count);

/// <summary>One instrument as it was exported.</summary>
internal sealed record OtlpMetric(string Scope, string Name, string Kind, string Unit, string Description, IReadOnlyList<OtlpPoint> Points)
{
    public OtlpPoint Point(string tags) => Points.Single(point => point.Tags == tags);
}

/// <summary>An <c>ExportMetricsServiceRequest</c>, read field by field as opentelemetry-proto numbers them.</summary>
internal sealed class OtlpExport
{
    public Dictionary<string, string> Resource { get; } = new(StringComparer.Ordinal);

    public List<OtlpMetric> Metrics { get; } = [];

    public OtlpMetric? Find(string name) => Metrics.SingleOrDefault(metric => metric.Name == name);

    public static OtlpExport Parse(byte[] request)
    {
        var export = new OtlpExport();
        Read(request, (field, input) =>
        {
            if (field == 1)
            {
                export.ReadResourceMetrics(Bytes(input));
                return true;
            }

            return false;
        });
        return export;
    }

    public override string ToString()
    {
        var text = new StringBuilder();
        foreach (var metric in Metrics)
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"{metric.Name} {metric.Kind} {metric.Unit}: {string.Join("; ", metric.Points)}");
        }

        return text.ToString();
    }

    private void ReadResourceMetrics(byte[] bytes) => Read(bytes, (field, input) =>
    {
        switch (field)
        {
            case 1:
                Read(Bytes(input), (inner, attribute) => inner == 1 && Add(Resource, Attribute(Bytes(attribute))));
                return true;
            case 2:
                ReadScopeMetrics(Bytes(input));
                return true;
            default:
                return false;
        }
    });

    private void ReadScopeMetrics(byte[] bytes)
    {
        var scope = "";
        Read(bytes, (field, input) =>
        {
            switch (field)
            {
                case 1:
                    Read(Bytes(input), (inner, value) => inner == 1 && (scope = value.ReadString()) is not null);
                    return true;
                case 2:
                    Metrics.Add(ReadMetric(scope, Bytes(input)));
                    return true;
                default:
                    return false;
            }
        });
    }

    private static OtlpMetric ReadMetric(string scope, byte[] bytes)
    {
        var metric = new OtlpMetric(scope, "", "", "", "", []);
        Read(bytes, (field, input) =>
        {
            switch (field)
            {
                case 1:
                    metric = metric with { Name = input.ReadString() };
                    return true;
                case 2:
                    metric = metric with { Description = input.ReadString() };
                    return true;
                case 3:
                    metric = metric with { Unit = input.ReadString() };
                    return true;
                case 5 or 7 or 9:
                    var (kind, points) = ReadData(field, Bytes(input));
                    metric = metric with { Kind = kind, Points = points };
                    return true;
                default:
                    return false;
            }
        });
        return metric;
    }

    /// <summary>Gauge (5), Sum (7) or Histogram (9).</summary>
    private static (string Kind, IReadOnlyList<OtlpPoint> Points) ReadData(int kind, byte[] bytes)
    {
        List<OtlpPoint> points = [];
        long temporality = 0;
        var isMonotonic = false;
        Read(bytes, (field, input) =>
        {
            switch (field)
            {
                case 1:
                    points.Add(kind == 9 ? ReadHistogramPoint(Bytes(input)) : ReadNumberPoint(Bytes(input)));
                    return true;
                case 2:
                    temporality = input.ReadEnum();
                    return true;
                case 3:
                    isMonotonic = input.ReadBool();
                    return true;
                default:
                    return false;
            }
        });
        var word = kind switch
        {
            5 => "gauge",
            7 => isMonotonic ? "counter" : "up-down counter",
            _ => "histogram",
        };
        Assert.True(kind == 5 || temporality == 2, $"the {word} is not cumulative");
        return (word, points);
    }

    private static OtlpPoint ReadNumberPoint(byte[] bytes)
    {
        SortedDictionary<string, string> tags = new(StringComparer.Ordinal);
        var value = 0d;
        Read(bytes, (field, input) =>
        {
            switch (field)
            {
                case 4:
                    value = input.ReadDouble();
                    return true;
                case 6:
                    value = input.ReadSFixed64();
                    return true;
                case 7:
                    return Add(tags, Attribute(Bytes(input)));
                default:
                    return false;
            }
        });
        return new(Join(tags), value, 0);
    }

    private static OtlpPoint ReadHistogramPoint(byte[] bytes)
    {
        SortedDictionary<string, string> tags = new(StringComparer.Ordinal);
        var sum = 0d;
        long count = 0;
        long inBuckets = 0;
        Read(bytes, (field, input) =>
        {
            switch (field)
            {
                case 4:
                    count = (long)input.ReadFixed64();
                    return true;
                case 5:
                    sum = input.ReadDouble();
                    return true;
                case 6:
                    inBuckets += SumOfPackedFixed64(Bytes(input));
                    return true;
                case 9:
                    return Add(tags, Attribute(Bytes(input)));
                default:
                    return false;
            }
        });
        Assert.Equal(count, inBuckets);
        return new(Join(tags), sum, count);
    }

    private static KeyValuePair<string, string> Attribute(byte[] bytes)
    {
        var key = "";
        var value = "";
        Read(bytes, (field, input) =>
        {
            switch (field)
            {
                case 1:
                    key = input.ReadString();
                    return true;
                case 2:
                    value = AnyValue(Bytes(input));
                    return true;
                default:
                    return false;
            }
        });
        return new(key, value);
    }

    private static string AnyValue(byte[] bytes)
    {
        var text = "";
        Read(bytes, (field, input) =>
        {
            text = field switch
            {
                1 => input.ReadString(),
                2 => input.ReadBool().ToString(),
                3 => input.ReadInt64().ToString(CultureInfo.InvariantCulture),
                4 => input.ReadDouble().ToString(CultureInfo.InvariantCulture),
                _ => throw new InvalidDataException($"AnyValue has field {field}"),
            };
            return true;
        });
        return text;
    }

    private static long SumOfPackedFixed64(byte[] bytes)
    {
        using var input = new CodedInputStream(bytes);
        long sum = 0;
        while (!input.IsAtEnd)
        {
            sum += (long)input.ReadFixed64();
        }

        return sum;
    }

    private static void Read(byte[] message, Func<int, CodedInputStream, bool> take)
    {
        using var input = new CodedInputStream(message);
        uint tag;
        while ((tag = input.ReadTag()) != 0)
        {
            if (!take(WireFormat.GetTagFieldNumber(tag), input))
            {
                input.SkipLastField();
            }
        }
    }

    private static byte[] Bytes(CodedInputStream input) => input.ReadBytes().ToByteArray();

    private static bool Add(IDictionary<string, string> to, KeyValuePair<string, string> pair)
    {
        to.Add(pair.Key, pair.Value);
        return true;
    }

    private static string Join(IEnumerable<KeyValuePair<string, string>> tags) => string.Join(',', tags.Select(tag => $"{tag.Key}={tag.Value}"));
}
