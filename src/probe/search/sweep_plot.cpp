#include "l2echo/probe/search/sweep_plot.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <iterator>

#include "l2echo/report/table.hpp"

namespace l2echo::probe {
namespace {

/// Okabe and Ito's colours, which people with any colour vision can tell apart. Widths differ as well.
constexpr std::array<const char*, 2> kGoalColours{"#0072B2", "#E69F00"};
constexpr std::array<const char*, 4> kLoadColours{"#56B4E9", "#009E73", "#E69F00", "#D55E00"};

/// A link limit so many times what was measured would press the bars flat.
constexpr double kFarAbove = 3;

/// A string of gnuplot: between single quotes it substitutes nothing.
std::string quoted(const std::string& text) {
    std::string result = "'";
    for (const char letter : text) {
        if (static_cast<unsigned char>(letter) >= ' ')
            result += letter;
        if (letter == '\'')
            result += letter;
    }
    return result + "'";
}

std::string environment_of(const SweepResult& result, const std::string& key) {
    for (const auto& [name, value] : result.environment)
        if (name == key)
            return value;
    return "unknown";
}

std::string subtitle(const SweepResult& result) {
    const std::string link =
        result.link_mbps > 0 ? fmt::format(", link {:g} Gbit/s", result.link_mbps / 1e3) : std::string();
    return fmt::format("{}{}; {}; {}", environment_of(result, "port"), link,
                       environment_of(result, "version"), result.started);
}

std::string head(const Plot& plot, const char* size) {
    return fmt::format(
        "# To draw it again: gnuplot {}\n"
        "reset\n"
        "set encoding utf8\n"
        "set terminal svg size {} noenhanced font 'sans-serif,14' background '#ffffff'\n"
        "set output {}\n"
        "set border 3 linecolor '#444444'\n"
        "set tics nomirror textcolor '#222222'\n",
        plot.script_file(), size, quoted(plot.image_file()));
}

double best_rate(const SweepSize& size) {
    double best = 0;
    for (const GoalSearch& entry : size.searches)
        if (entry.search.lower())
            best = std::max(best, entry.search.lower()->frames_per_second);
    return best;
}

double link_limit(const SweepResult& result, const SweepSize& size) {
    return result.link_mbps * 1e6 / size.bits_per_second_l1(1);
}

std::string throughput_data(const SweepResult& result) {
    std::string text = "size";
    auto out = std::back_inserter(text);
    for (const GoalSearch& entry : result.sizes.front().searches)
        fmt::format_to(out, ",{0}_gbit_per_second_l1,{0}_mframes_per_second", entry.goal.name);
    fmt::format_to(out, ",link_gbit_per_second_l1,link_mframes_per_second\n");
    const auto add = [&out](const SweepSize& size, double rate) {
        fmt::format_to(out, ",{:.6f},{:.6f}", size.bits_per_second_l1(rate) / 1e9, rate / 1e6);
    };
    for (const SweepSize& size : result.sizes) {
        fmt::format_to(out, "{}", size.size);
        for (const GoalSearch& entry : size.searches)
            add(size, entry.search.lower() ? entry.search.lower()->frames_per_second : 0);
        result.link_mbps > 0 ? add(size, link_limit(result, size)) : void(fmt::format_to(out, ",,"));
        fmt::format_to(out, "\n");
    }
    return text;
}

/// One of the two panels: `top` is the largest value measured, `limit` the largest of the link, 0 to leave
/// it out.
std::string panel(const SweepResult& result, std::size_t first_column, const char* unit, double top,
                  double limit) {
    const double end = 1.1 * std::clamp(limit, top, kFarAbove * top);
    std::string text = fmt::format("set ylabel '{}'\nset yrange [0:{:g}]\nplot", unit, end > 0 ? end : 1);
    auto out = std::back_inserter(text);
    const auto& searches = result.sizes.front().searches;
    for (std::size_t i = 0; i < searches.size(); ++i)
        fmt::format_to(out, " \\\n  'throughput.csv' skip 1 using {}:xtic(1) title '{}' linecolor '{}',",
                       first_column + 2 * i, title_of(searches[i].goal), kGoalColours[i]);
    if (limit > 0)
        fmt::format_to(out,
                       " \\\n  'throughput.csv' skip 1 using 0:{}:(0.45) with xerrorbars title 'link limit' "
                       "linecolor '#000000' linewidth 2 pointtype 0",
                       first_column + 2 * searches.size());
    return text.substr(0, text.find_last_not_of(',') + 1) + "\n";
}

/// Frames of the load that tells the most: with a count of 10^n the axis ends at n nines.
std::uint64_t most_frames(const SweepSize& size) {
    std::uint64_t most = 10;
    for (const LoadedRoundTrip& loaded : size.round_trips)
        most = std::max(most, loaded.round_trip.count());
    return most;
}

/// 0 % at 1, 90 % at 10, 99 % at 100 and so on. To gnuplot a label is a format.
std::string percentile_tics(std::uint64_t most) {
    std::vector<std::string> tics{"'0 %%' 1", "'50 %%' 2", "'90 %%' 10", "'99 %%' 100"};
    std::string nines;
    for (std::uint64_t at = 1000; at <= most; at *= 10)
        tics.push_back(fmt::format("'99.{} %%' {}", nines += '9', at));
    return fmt::format("{}", fmt::join(tics, ", "));
}

std::string data_file(const Plot& plot, const LoadedRoundTrip& loaded) {
    return fmt::format("{}_load_{:02.0f}.hgrm", plot.name, 100 * loaded.share);
}

}  // namespace

Plot plot_throughput(const SweepResult& result) {
    Plot plot{"throughput", "", {{"throughput.csv", throughput_data(result)}}};
    double bits = 0;
    double frames = 0;
    double most_frames = 0;
    for (const SweepSize& size : result.sizes) {
        bits = std::max(bits, size.bits_per_second_l1(best_rate(size)) / 1e9);
        frames = std::max(frames, best_rate(size) / 1e6);
        most_frames = std::max(most_frames, link_limit(result, size) / 1e6);
    }
    const double link = result.link_mbps / 1e3;
    const bool with_link = link > 0 && link < kFarAbove * bits;
    plot.script = head(plot, "900,760") +
                  fmt::format(
                      "set datafile separator ','\n"
                      "set style data histogram\n"
                      "set style histogram clustered gap 1\n"
                      "set style fill solid noborder\n"
                      "set grid ytics linecolor '#dddddd'\n"
                      "set xrange [-0.6:{:.1f}]\n"
                      "set xtics scale 0\n"
                      "set lmargin 10\n"
                      "set key outside top center horizontal Left reverse\n"
                      "set multiplot layout 2,1 title {} . \"\\n\" . {}\n"
                      "unset xlabel\n",
                      static_cast<double>(result.sizes.size()) - 0.4, quoted("Throughput by frame size"),
                      quoted(subtitle(result))) +
                  panel(result, 2, "Gbit/s, layer 1", bits, with_link ? link : 0) +
                  "unset key\nset xlabel 'frame size with FCS, bytes'\n" +
                  panel(result, 3, "Mframes/s", frames, with_link ? most_frames : 0) + "unset multiplot\n";
    return plot;
}

Plot plot_round_trips(const SweepResult& result, const SweepSize& size) {
    Plot plot{fmt::format("round_trip_{}", size.size), "", {}};
    const std::uint64_t most = most_frames(size);
    plot.script =
        head(plot, "900,520") +
        fmt::format(
            "set title {} . \"\\n\" . {}\n"
            "set logscale x 10\n"
            "set logscale y 10\n"
            "set xrange [1:{}]\n"
            "set xtics ({})\n"
            "set xlabel 'percentile of the frames' offset 0,0.4\n"
            "set ylabel 'round trip'\n"
            "set format y '%.0s %cs'\n"
            "set grid xtics ytics linecolor '#dddddd'\n"
            "set key below Left reverse\n"
            "x(share, count) = share < 1 ? 1 / (1 - share) : count  # the largest value has no percentile\n"
            "plot",
            quoted(fmt::format("Round trip, {}{}", size.size, size.size == "imix" ? "" : "-byte frames")),
            quoted(subtitle(result)), most, percentile_tics(most));
    for (std::size_t i = 0; i < size.round_trips.size(); ++i) {
        const LoadedRoundTrip& loaded = size.round_trips[i];
        plot.data.push_back(
            {data_file(plot, loaded), loaded.round_trip.percentile_text(loaded.tsc_hz / 1e6)});
        plot.script += fmt::format(
            "{} \\\n  {} skip 2 using (x($2,$3)):($1/1e6) with steps linewidth {:.1f} linecolor '{}' title "
            "{}",
            i == 0 ? "" : ",", quoted(plot.data.back().name), 1.5 + 0.5 * static_cast<double>(i),
            kLoadColours.at(i % kLoadColours.size()),
            quoted(fmt::format("{} ({})", describe_load(size, loaded),
                               report::format_scaled(loaded.frames_per_second, "frames/s"))));
    }
    plot.script += "\n";
    return plot;
}

std::vector<Plot> plots_of(const SweepResult& result) {
    std::vector<Plot> plots;
    if (!result.sizes.empty())
        plots.push_back(plot_throughput(result));
    for (const SweepSize& size : result.sizes)
        if (std::ranges::any_of(size.round_trips, [](const auto& loaded) { return can_tell(loaded, 0); }))
            plots.push_back(plot_round_trips(result, size));
    return plots;
}

}  // namespace l2echo::probe
