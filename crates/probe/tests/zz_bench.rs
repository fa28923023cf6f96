//! bench
use std::time::Instant;
use zview_probe::*;
fn load(tag: &str, part: &str, d: usize) -> Features {
    let read = |suffix: &str| std::fs::read(format!("/tmp/probe_bench/{tag}_{part}.{suffix}")).unwrap();
    let values = read("f32").chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect();
    let labels = read("u32").chunks_exact(4).map(|b| u32::from_le_bytes(b.try_into().unwrap())).collect();
    Features::new(values, d, labels, (0..10).map(|c| c.to_string()).collect()).unwrap()
}
#[test]
fn bench() {
    for tag in ["random", "trained"] {
        let (train, test) = (load(tag, "train", 128), load(tag, "test", 128));
        let standardised = Standardiser::fit(&train).apply(&train);
        for l2 in [1e-6, 1e-3, 1.0] {
            let t = Instant::now();
            let problem = LogisticProblem::new(&standardised).unwrap();
            let prepare = t.elapsed();
            let fit = problem.fit(LogisticConfig::with_l2(l2), None).unwrap();
            let time = t.elapsed();
            let exact = problem
                .fit(
                    LogisticConfig {
                        gradient_tolerance: 1e-10,
                        max_iterations: 20000,
                        ..LogisticConfig::with_l2(l2)
                    },
                    Some(&fit.model),
                )
                .unwrap();
            println!(
                "{tag} l2 {l2:e}: {:?} (prepare {:?}) {} iterations, loss {:.9} excess {:.1e} relative, grad {:.1e} {:?}; exact {:?} {}",
                time,
                prepare,
                fit.iterations,
                fit.loss,
                (fit.loss - exact.loss) / exact.loss,
                fit.gradient_norm,
                fit.stop,
                exact.stop,
                exact.iterations
            );
        }
        let t = Instant::now();
        let score = linear_probe(&train, &test, &LinearProbeConfig::default()).unwrap();
        println!(
            "{tag} linear probe {:?}: top1 {} top5 {} [{} {}] penalty {:e} converged {}",
            t.elapsed(),
            score.top1,
            score.top5,
            score.low,
            score.high,
            score.penalty,
            score.converged
        );
        for s in &score.validation {
            println!("   {s:?}");
        }
        let t = Instant::now();
        let few =
            few_shot(&train, &test, &FewShotConfig { labels_per_class: vec![100], ..Default::default() })
                .unwrap();
        println!("{tag} few-shot 100 x 5 {:?} {few:?}", t.elapsed());
        let t = Instant::now();
        let few =
            few_shot(&train, &test, &FewShotConfig { labels_per_class: vec![10], ..Default::default() })
                .unwrap();
        println!("{tag} few-shot 10 x 5 {:?} {few:?}", t.elapsed());
        for vote in [Vote::Majority, Vote::Weighted(0.07)] {
            let t = Instant::now();
            let k = knn(&train, &test, &KnnConfig { k: vec![1, 20, 200], vote, seed: 0 }).unwrap();
            println!(
                "{tag} knn {:?} {:?}: {:?}",
                vote,
                t.elapsed(),
                k.iter().map(|(k, s)| (*k, s.top1)).collect::<Vec<_>>()
            );
        }
    }
}
