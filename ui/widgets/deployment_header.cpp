// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/deployment_header.h"

#include "ui/support/advice.h"
#include "ui/support/format.h"
#include "ui/widgets/card.h"
#include "ui/words/error_words.h"

#include <QHBoxLayout>
#include <QVBoxLayout>
#include <algorithm>
#include <utility>

namespace portolan::ui {

namespace {

constexpr int gap = 12;
constexpr double nameBesideNotice = 0.35; ///< of the row's width, at most

} // namespace

DeploymentHeader::DeploymentHeader(QWidget *parent)
    : QWidget(parent),
      m_nameRow(new QWidget),
      m_name(new QLabel),
      m_room(new QWidget),
      m_facts(mutedLabel()),
      m_banner(new Banner)
{
    m_name->setFont(scaledFont(font(), 1.35, true));
    m_name->setObjectName("name");
    m_name->setTextFormat(Qt::PlainText);
    m_name->setSizePolicy(QSizePolicy::Maximum, QSizePolicy::Preferred);
    m_name->setMinimumWidth(1); // elide() sees to the rest
    m_facts->setSizePolicy(QSizePolicy::Preferred, QSizePolicy::Preferred);
    auto *room = new QHBoxLayout(m_room);
    room->setContentsMargins(0, 0, 0, 0);
    room->addWidget(m_facts, 0, Qt::AlignRight | Qt::AlignVCenter);
    auto *top = new QHBoxLayout(m_nameRow);
    top->setContentsMargins(0, 0, 0, 0);
    top->setSpacing(gap);
    top->addWidget(m_name);
    top->addWidget(m_room, 1);
    auto *layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->addWidget(m_banner);
    connect(m_banner, &Banner::pageWanted, this, &DeploymentHeader::pageWanted);
    layout->addWidget(m_nameRow);
}

void DeploymentHeader::show(const Deployment &deployment, const std::vector<BannerLine> &lines, const QString &problem)
{
    const DeploymentInfo info = deployment.info();
    m_fullName = text(info.name);
    m_name->setToolTip(m_fullName);
    QStringList facts;
    if (info.production)
        facts << tr("production");
    if (!info.tier.empty())
        facts << tr("tier %1").arg(text(info.tier));
    if (!info.url.empty())
        facts << text(info.url);
    m_facts->setText(facts.join("  ·  "));
    elide();
    const auto snapshot = deployment.latest();
    const bool live = deployment.link() == LinkState::Live && snapshot;
    const auto trouble = deployment.trouble();
    const QString inTheWay = trouble ? errorText(*trouble) : QString();
    m_banner->setLines(lines, live ? adviceText(*snapshot) : problem.isEmpty() ? inTheWay : problem);
}

void DeploymentHeader::makeRoom(bool wanted)
{
    if (std::exchange(m_roomWanted, wanted) != wanted)
        elide();
}

void DeploymentHeader::elide()
{
    const int beside = m_facts->text().isEmpty() ? 0 : m_facts->sizeHint().width() + gap;
    const int wide = m_nameRow->width();
    const int most = std::max(1, m_roomWanted ? std::min(wide - beside, int(wide * nameBesideNotice)) : wide - beside);
    const QString shown = m_name->fontMetrics().elidedText(m_fullName, Qt::ElideMiddle, most);
    if (shown != m_name->text())
        m_name->setText(shown);
}

void DeploymentHeader::resizeEvent(QResizeEvent *event)
{
    QWidget::resizeEvent(event);
    elide();
}

} // namespace portolan::ui
